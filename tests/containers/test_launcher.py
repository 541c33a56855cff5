"""Jobs in containers: the same limits and ends as in a sandbox."""

from __future__ import annotations

from tests.hub.test_launchers import (  # noqa: F401 - collected here, with this folder's fixtures
    test_a_cancelled_job_may_still_save_what_it_has,
    test_a_folder_that_never_started_anything_has_nothing_to_adopt,
    test_a_fork_bomb_ends_and_nothing_of_it_is_left,
    test_a_job_ends_with_its_exit_code_and_its_output_is_kept,
    test_an_endless_printer_is_not_blocked_and_its_log_is_bounded,
    test_cancelling_ends_whatever_the_job_started,
    test_starting_twice_from_one_folder_starts_once,
    test_too_much_memory_ends_a_job,
    test_too_much_time_ends_a_job,
    test_too_much_written_ends_a_job,
)
