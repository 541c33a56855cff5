"""The `labfork group` command, on a workspace whose forge is not running."""

from __future__ import annotations


def test_groups_are_kept_from_the_command_line_also_while_nothing_runs(labfork):
    made = labfork("group", "add", "lab", "--admin", "ada", "--title", "Chromatin group")
    assert (made.exit_code, made.stdout) == (0, "The group lab is made; ada is its admin.\n")

    assert labfork("group", "member", "lab", "admin", "writer").exit_code == 0
    listed = labfork("group", "list").stdout
    assert "lab" in listed
    assert "2 members  Chromatin group" in listed
    assert "does not answer" in listed
    assert labfork("group", "member", "lab", "admin", "none").exit_code == 0

    for arguments, words in (
        (("group", "add", "ada", "--admin", "ada"), "name: “ada” is taken by a person"),
        (("group", "member", "lab", "ada", "none"), "ada is the only admin of lab"),
        (("group", "member", "lab", "admin", "king"), "role: There is no role “king”"),
        (("group", "member", "lab", "nobody-here", "reader"), "user: There is no open account"),
        (("group", "remove", "lab", "--confirm", "bal"), "confirm: Type the group's name"),
        (("group", "remove", "lab", "--confirm", "lab"), "does not answer"),
        (("group", "sync"), "The forge has not followed: lab"),
    ):
        refused = labfork(*arguments)
        assert refused.exit_code == 1
        assert words in refused.stderr
