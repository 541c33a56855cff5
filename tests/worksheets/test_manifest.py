"""`workspace.yaml`: what can be used of it is used, and each thing that cannot is told in words."""

from __future__ import annotations

import pytest

from workspace_api.worksheets.manifest import Manifest, memory_gib, read_manifest

WHOLE = """
title: Variant effects
area: Regulatory genomics
summary: Score a variant.
worksheets:
  - notebook: a.ipynb
    title: One variant
    summary: Scores one.
    parameters:
      variant: {type: string, format: genomic-variant, x-assembly: mm10}
      region: {type: string, format: genomic-interval, x-lengths: [16384], x-max-length: 20000}
  - notebook: folder/b.ipynb
resources: {cpu: 2, memory: 4G, minutes: 30}
"""
NOTEBOOKS = ("a.ipynb", "folder/b.ipynb")


def read(text: str | bytes) -> Manifest:
    return read_manifest(text.encode() if isinstance(text, str) else text, NOTEBOOKS)


def only_problem(text: str | bytes) -> str:
    (problem,) = read(text).problems
    return problem


def problem_of_schema(schema: str) -> str:
    """Return what is told of a parameter's schema; the schema beside it must stay usable."""
    manifest = read(
        f"worksheets: [{{notebook: a.ipynb, parameters: {{good: {{type: string}}, x: {schema}}}}}]"
    )
    assert list(manifest.worksheets[0].parameters) == ["good"]
    (problem,) = manifest.problems
    return problem


def test_a_whole_manifest_is_read_without_a_problem():
    manifest = read(WHOLE)

    assert manifest.problems == []
    assert (manifest.title, manifest.area) == ("Variant effects", "Regulatory genomics")
    assert manifest.summary == "Score a variant."
    assert manifest.resources == {"cpu": 2.0, "memory_gib": 4.0, "minutes": 30.0}
    first, second = manifest.worksheets
    assert (first.notebook, first.title, first.summary) == ("a.ipynb", "One variant", "Scores one.")
    assert first.parameters["variant"]["x-assembly"] == "mm10"
    assert (second.notebook, second.title, second.parameters) == ("folder/b.ipynb", None, {})


@pytest.mark.parametrize(
    "text", ["", "# only a comment\n", "---\n", "{}", "title:\nworksheets:\nresources:\n"]
)
def test_an_empty_manifest_says_nothing_and_is_no_problem(text):
    assert read(text) == Manifest()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- a\n", ["must hold settings", "not a list"]),
        ("just words", ["must hold settings", "not text"]),
        ("7", ["must hold settings", "not a number"]),
        ("yes", ["must hold settings", "not yes or no"]),
        ("a: [unclosed\n", ["line 2", "is not YAML"]),
        ("title: a\n\ttabs: b\n", ["line 2", "is not YAML"]),
        ("a: 1\n---\nb: 2\n", ["line 2", "is not YAML"]),
        ("a: *nobody\n", ["line 1", "is not YAML"]),
        ("? {a: b}\n: c\n", ["line 1", "is not YAML"]),
        ("title: !!python/object/apply:os.system [ls]\n", ["line 1", "python/object/apply:os.system"]),
        ("title: !!python/name:os.system\n", ["line 1", "python/name:os.system"]),
        ("title: !ours a\n", ["line 1", "!ours"]),
        ("title: !!binary aGk=\n", ["line 1", "binary"]),
        ("title: !!timestamp 2024-01-01\n", ["line 1", "timestamp"]),
        ("title: !!set {a, b}\n", ["line 1", "set"]),
        (b"title: \xff\xfe\n", ["is not text in UTF-8"]),
        ("title: a\n".encode("utf-16"), ["is not text in UTF-8"]),
        ("title: a\0b\n", ["cannot be used"]),
        ("resources: {minutes: .inf}\n", ["cannot be used", "must be finite"]),
        ("resources: {minutes: .nan}\n", ["cannot be used", "must be finite"]),
        ("title: " + "9" * 400, ["cannot be used", "at most 300 digits"]),
        ("title: " + "9" * 5000, ["cannot be used"]),
        ("[" * 31 + "]" * 31, ["nests deeper than 30 levels"]),
        ("[" * 90_000, ["nests deeper than 30 levels"]),
        ("{a: " * 40_000, ["nests deeper than 30 levels"]),
        ("- " * 90_000, ["nests deeper than 30 levels"]),
        ("title: " + "a" * 200_000, ["is larger than 200 kB"]),
        ("a: &a [*a]\n", ["values, or an alias within"]),
        ("[" + "1," * 50_001 + "]", ["more than 50,000 values"]),
    ],
)
def test_what_cannot_be_read_at_all_is_one_problem(text, words):
    manifest = read(text)

    assert manifest == Manifest(problems=manifest.problems)
    (problem,) = manifest.problems
    assert problem.startswith("workspace.yaml")
    assert [word for word in words if word not in problem] == []


@pytest.mark.timeout(30, func_only=True)
@pytest.mark.parametrize("merge", ["", "<<: "])
def test_aliases_that_expand_without_end_are_refused(merge):
    inner = "[{}]" if merge else "[x, x, x, x, x, x, x, x, x]"
    lines = [f"a0: &a0 {inner}"]
    lines += [f"a{n}: &a{n} [" + ", ".join([f"*a{n - 1}"] * 9) + "]" for n in range(1, 25)]
    text = "\n".join([*lines, f"last: {{{merge or 'x: '}*a24}}"])

    assert "more than 50,000 values" in only_problem(text)


def test_aliases_and_merges_are_written_out():
    text = """
worksheets:
  - notebook: a.ipynb
    parameters:
      one: &one {type: integer, minimum: 1}
      two: {<<: *one, maximum: 2}
      three: *one
"""
    manifest = read(text)

    assert manifest.problems == []
    assert manifest.worksheets[0].parameters["two"] == {"type": "integer", "minimum": 1, "maximum": 2}
    assert manifest.worksheets[0].parameters["three"] == {"type": "integer", "minimum": 1}


@pytest.mark.parametrize("title", ["2024-01-01", "2024-01-01T10:00:00Z"])
def test_a_date_is_the_text_that_was_written(title):
    assert read(f"title: {title}\n") == Manifest(title=title)


def test_a_byte_order_mark_is_no_problem():
    assert read(b"\xef\xbb\xbftitle: a\n") == Manifest(title="a")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("titel: a", "workspace.yaml: “titel” is not known here; it has title, area, summary"),
        ("7: a", "workspace.yaml: “7” is not known here"),
        ("title: [a]", "workspace.yaml: title must be text, not a list."),
        ("title: {a: b}", "workspace.yaml: title must be text, not settings."),
        ("summary: 7", "workspace.yaml: summary must be text, not a number."),
        ("area: no", "workspace.yaml: area must be text, not yes or no."),
        (
            "resources: 4G",
            "workspace.yaml: resources must be settings such as {cpu: 2, memory: 4G, minutes: 30}.",
        ),
        ("resources: []", "workspace.yaml: resources must be settings"),
        (
            "resources: {cores: 2}",
            "workspace.yaml: resources: “cores” is not known here; it has cpu, memory, minutes.",
        ),
        ("resources: {cpu: 0}", "workspace.yaml: resources: cpu must be a number above 0, not '0'."),
        ("resources: {cpu: two}", "workspace.yaml: resources: cpu must be a number above 0, not 'two'."),
        (
            "resources: {minutes: -1}",
            "workspace.yaml: resources: minutes must be a number above 0, not '-1'.",
        ),
        (
            "resources: {minutes: yes}",
            "workspace.yaml: resources: minutes must be a number above 0, not 'True'.",
        ),
        (
            "resources: {memory: lots}",
            "workspace.yaml: resources: memory must be an amount such as 4G, not 'lots'.",
        ),
        ("resources: {memory: infG}", "workspace.yaml: resources: memory must be an amount such as 4G"),
        ("resources: {memory: }", "workspace.yaml: resources: memory must be an amount such as 4G"),
    ],
)
def test_one_wrong_part_is_told_and_the_rest_stays(line, words):
    key = line.partition(":")[0]
    rest = [said for said in ("area: Genomics", "title: Mine") if not said.startswith(key)]
    manifest = read("\n".join([line, *rest, "worksheets: [{notebook: a.ipynb}]"]))

    (problem,) = manifest.problems
    assert problem.startswith(words)
    assert f"area: {manifest.area}" in rest or f"title: {manifest.title}" in rest
    assert [entry.notebook for entry in manifest.worksheets] == ["a.ipynb"]


def test_one_wrong_resource_leaves_the_others():
    assert read("resources: {cpu: x, memory: 512M, minutes: 5}").resources == {
        "memory_gib": 0.5,
        "minutes": 5.0,
    }


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("7", "worksheets[1] must name its notebook: “notebook: analysis.ipynb”."),
        ("a.ipynb", "worksheets[1] must name its notebook"),
        ("", "worksheets[1] must name its notebook"),
        ("{title: a}", "worksheets[1] must name its notebook"),
        ("{notebook: 7}", "worksheets[1] must name its notebook"),
        ("{notebook: [a.ipynb]}", "worksheets[1] must name its notebook"),
        ("{notebook: c.ipynb}", "worksheets[1]: there is no notebook “c.ipynb” in the repository."),
        ("{notebook: ../a.ipynb}", "worksheets[1]: “../a.ipynb” leaves the repository."),
        ("{notebook: /etc/passwd}", "worksheets[1]: “/etc/passwd” leaves the repository."),
    ],
)
def test_a_worksheet_that_cannot_be_used_is_told_and_the_next_stays(entry, words):
    manifest = read(f"worksheets:\n  - {entry}\n  - {{notebook: folder/b.ipynb, title: B}}\n")

    (problem,) = manifest.problems
    assert problem.startswith(f"workspace.yaml: {words}")
    assert [(one.notebook, one.title) for one in manifest.worksheets] == [("folder/b.ipynb", "B")]


@pytest.mark.parametrize("given", ["7", "a.ipynb", "{notebook: a.ipynb}", "yes"])
def test_worksheets_that_are_no_list_are_told(given):
    assert "worksheets must be a list of “- notebook: …”" in only_problem(f"worksheets: {given}\n")


def test_of_a_notebook_that_is_named_twice_the_first_counts():
    manifest = read("worksheets: [{notebook: a.ipynb, title: A}, {notebook: a.ipynb, title: B}]")

    assert [entry.title for entry in manifest.worksheets] == ["A"]
    assert manifest.problems == ["workspace.yaml: worksheets[2]: “a.ipynb” is named twice; the first counts."]


@pytest.mark.parametrize("given", ["[variant]", "[]", "variant", "0", "no", '""'])
def test_parameters_that_are_no_mapping_are_told_and_the_worksheet_stays(given):
    manifest = read(f"worksheets: [{{notebook: a.ipynb, title: A, parameters: {given}}}]")

    (problem,) = manifest.problems
    assert "worksheets[1]: parameters must map each name to a JSON Schema" in problem
    assert [(entry.title, entry.parameters) for entry in manifest.worksheets] == [("A", {})]


def test_a_wrong_word_in_a_worksheet_is_told_and_the_worksheet_stays():
    manifest = read("worksheets: [{notebook: a.ipynb, title: [A], params: {}}]")

    assert [entry.notebook for entry in manifest.worksheets] == ["a.ipynb"]
    assert manifest.problems == [
        "workspace.yaml: worksheets[1]: “params” is not known here; it has notebook, title, summary, "
        "parameters, batch.",
        "workspace.yaml: worksheets[1]: title must be text, not a list.",
    ]


FILES = "parameters: {t: {format: file}, j: {format: file}, n: {type: integer}}"


def test_a_worksheet_that_takes_batches_names_two_parameters_that_are_files():
    manifest = read(f"worksheets: [{{notebook: a.ipynb, {FILES}, batch: {{table: t, journal: j, rank: e}}}}]")

    assert manifest.problems == []
    assert manifest.worksheets[0].batch == {"table": "t", "journal": "j", "rank": "e"}


@pytest.mark.parametrize(
    ("batch", "words"),
    [
        ("yes", "batch must be settings such as {table: variants"),
        ("{table: t}", "batch: journal must name a parameter with “format: file” above it."),
        ("{table: n, journal: j}", "batch: table must name a parameter with “format: file” above it."),
        ("{table: [t], journal: j}", "batch: table must name a parameter"),
        ("{table: t, journal: t}", "batch: table and journal are two parameters."),
    ],
)
def test_a_batch_that_cannot_be_used_is_told_and_the_worksheet_stays(batch, words):
    manifest = read(f"worksheets: [{{notebook: a.ipynb, {FILES}, batch: {batch}}}]")

    assert words in manifest.problems[0]
    assert manifest.worksheets[0].batch is None


def test_a_batch_whose_rank_is_no_name_is_ranked_by_nothing():
    manifest = read(
        f"worksheets: [{{notebook: a.ipynb, {FILES}, batch: {{table: t, journal: j, rank: 3, x: 1}}}}]"
    )

    assert manifest.worksheets[0].batch == {"table": "t", "journal": "j"}
    assert len(manifest.problems) == 2


def test_a_batch_says_by_a_boolean_that_it_is_continued():
    files = FILES.replace("n: {type: integer}", "n: {type: integer}, again: {type: boolean}")
    for retry, kept in (("again", {"retry": "again"}), ("n", {}), ("[again]", {})):
        batch = f"{{table: t, journal: j, retry: {retry}}}"
        manifest = read(f"worksheets: [{{notebook: a.ipynb, {files}, batch: {batch}}}]")

        assert manifest.worksheets[0].batch == {"table": "t", "journal": "j", **kept}
        assert len(manifest.problems) == (0 if kept else 1)


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ("string", "must be a JSON Schema such as {type: string}, not text."),
        ("", "must be a JSON Schema such as {type: string}, not nothing."),
        ("[]", "must be a JSON Schema such as {type: string}, not a list."),
        ("{type: text}", "is not a JSON Schema"),
        ("{minimum: a}", "is not a JSON Schema"),
        ("{enum: a}", "is not a JSON Schema"),
        ("{title: 7}", "is not a JSON Schema"),
        ("{format: 7}", "is not a JSON Schema"),
        ("{pattern: '('}", "is not a JSON Schema"),
        ("{pattern: '(?=a)b'}", "look-around"),
        ("{items: {items: {pattern: '(?=a)b'}}}", "look-around"),
        ("{anyOf: [{pattern: '(?=a)b'}]}", "look-around"),
        ("{$ref: 'http://127.0.0.1/'}", "“$ref”"),
        ("{items: {$ref: '#'}}", "“$ref”"),
        ("{anyOf: [{$dynamicRef: '#'}]}", "“$dynamicRef”"),
        ("{$schema: 'http://json-schema.org/draft-07/schema#'}", "“$schema”"),
        ("{items: {$id: 'http://['}}", "“$id”"),
        ("{patternProperties: {'(a+)+$': {}}}", "“patternProperties”"),
        (
            "{format: genomic-variant, x-assembly: hg19}",
            "x-assembly 'hg19' is not known; it is one of hg38, mm10.",
        ),
        ("{items: {format: genomic-variant, x-assembly: hg19}}", "x-assembly 'hg19' is not known"),
        ("{x-assembly: [hg38]}", "x-assembly \"['hg38']\" is not known"),
        ("{x-lengths: [a]}", "x-lengths must be a list of lengths"),
        ("{x-lengths: 16384}", "x-lengths must be a list of lengths"),
        ("{items: {x-lengths: [-1]}}", "x-lengths must be a list of lengths"),
        ("{x-max-length: long}", "x-max-length must be a whole number above 0, not 'long'."),
    ],
)
def test_a_schema_that_cannot_be_used_is_told_and_the_parameter_beside_it_stays(schema, words):
    problem = problem_of_schema(schema)

    assert problem.startswith("workspace.yaml: worksheets[1]: parameter x: ")
    assert words in problem


def test_a_default_belongs_into_the_notebook():
    problem = only_problem("worksheets: [{notebook: a.ipynb, parameters: {n: {default: 7}}}]")

    assert "parameter n: its default is what the notebook's parameters cell says" in problem


def test_of_very_many_problems_the_first_are_told_and_the_others_counted():
    problems = read("\n".join(f"key{number}: 1" for number in range(1000))).problems

    assert len(problems) == 51
    assert problems[-1] == "workspace.yaml: there are 950 more problems."


@pytest.mark.parametrize("text", [f"{'k' * 10_000}: 1", f"resources: {{cpu: {'c' * 10_000}}}"])
def test_a_problem_quotes_only_the_beginning_of_what_is_long(text):
    assert len(only_problem(text)) < 300


@pytest.mark.parametrize(
    ("said", "gib"),
    [
        ("4G", 4), ("4g", 4), ("4GB", 4), ("4GiB", 4), ("512M", 0.5), ("1T", 1024), ("1.5G", 1.5), (4, 4),
        (0.5, 0.5), ("4", None), ("", None), ("G", None), ("4K", None), ("0G", None), ("-1G", None),
        ("nanG", None), ("infG", None), ("1e400G", None), (0, None), (True, None), (None, None), ([4], None),
    ],
)  # fmt: skip
def test_memory_is_said_in_gibibytes(said, gib):
    assert memory_gib(said) == gib


@pytest.mark.parametrize(
    ("text", "outputs", "problems"),
    [
        ("title: T", "keep", 0),
        ("outputs:", "keep", 0),
        ("outputs: keep", "keep", 0),
        ("outputs: strip", "strip", 0),
        ("title: T\r\noutputs: 'strip'  # large\r\n", "strip", 0),
        ("outputs: none", "keep", 1),
        ("outputs: [strip]", "keep", 1),
        ("{outputs: strip}", "strip", 1),
        ("outputs:\n  strip", "strip", 1),
    ],
)
def test_whether_versions_keep_outputs_is_read_and_checked(text, outputs, problems):
    manifest = read(text)

    assert manifest.outputs == outputs
    assert len(manifest.problems) == problems
    assert all("outputs must" in problem for problem in manifest.problems)
