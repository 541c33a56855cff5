"""Jobs that are forks of the fork server and have entered a container: the same inside as others."""

from __future__ import annotations

from pathlib import Path

from tests.hub.test_warm_starts import inside


def test_a_warm_job_sees_and_may_what_a_cold_one_does(warm, unwarmed):
    seen, expected = inside(warm), inside(unwarmed)

    ours = {kind.name: str(kind.readlink()) for kind in Path("/proc/self/ns").iterdir()}
    foreign = [{k for k, v in each.pop("namespaces").items() if v != ours[k]} for each in (seen, expected)]
    assert foreign[0] == foreign[1] >= {"mnt", "pid", "ipc", "uts", "net"}
    assert seen == expected
