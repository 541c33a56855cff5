"""Describes a run and its results as a Workflow Run RO-Crate.

Profile: Workflow Run Crate 0.5 (https://w3id.org/ro/wfrun/workflow/0.5), which builds on RO-Crate 1.1.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rocrate.model.contextentity import ContextEntity
from rocrate.model.entity import Entity
from rocrate.model.file import File
from rocrate.rocrate import ROCrate

from nfs import beneath
from workspace_api.runs.collecting import SOURCE, sha256
from workspace_api.runs.results import CRATE, NOTEBOOK, REPORT, media_type

TERMS = "https://w3id.org/ro/terms/workflow-run/context"
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
}
WORKFLOW_RO_CRATE = "https://w3id.org/workflowhub/workflow-ro-crate/1.0"
FORMAL_PARAMETER = "https://bioschemas.org/profiles/FormalParameter/1.0-RELEASE"
COMPUTATIONAL_WORKFLOW = "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"
TYPES = {"string": "Text", "integer": "Integer", "number": "Float", "boolean": "Boolean"}
DESCRIPTIONS = {
    NOTEBOOK: "The notebook as it was executed, with its outputs",
    REPORT: "The results as a page, without code",
}
ENDS = {
    "succeeded": "http://schema.org/CompletedActionStatus",
    "failed": "http://schema.org/FailedActionStatus",
    "cancelled": "http://schema.org/FailedActionStatus",
}


@dataclass(frozen=True)
class Provenance:
    """Everything that is told about a run.

    `repository` is where git finds the project, `agent` who asked (None for a visitor without an account),
    `packages` what the environment holds, name to version.
    """

    run_id: str
    title: str
    worksheet_title: str
    repository: str
    project: str
    commit: str
    version: str | None
    notebook: str
    schema: Mapping[str, Any]
    parameters: Mapping[str, Any]
    state: str
    error: str | None
    attempt: int
    started_at: dt.datetime
    finished_at: dt.datetime
    agent: tuple[str, str] | None
    workspace: str
    environment_key: str
    packages: Mapping[str, str]
    backend: str
    labfork_version: str


def write_crate(provenance: Provenance, bundle: Path) -> None:
    """Write `ro-crate-metadata.json` about the files in the folder `bundle`."""
    crate = ROCrate(version="1.1")
    crate.metadata.extra_contexts.append(TERMS)
    _root(crate, provenance)
    workflow = _workflow(crate, provenance)
    parameters = _parameters(crate, provenance, workflow)
    files = list(_files(crate, bundle))
    _action(crate, provenance, workflow, parameters, files)
    text = json.dumps(crate.metadata.generate(), indent=1, ensure_ascii=False)
    (bundle / CRATE).write_text(text + "\n", encoding="utf-8")


def _root(crate: ROCrate, told: Provenance) -> None:
    root = crate.root_dataset
    root["name"] = f"{told.title} ({told.run_id[:6]})"
    root["description"] = (
        f"Results of the worksheet “{told.worksheet_title}” of {told.project} at "
        f"{told.version or told.commit}, run {told.run_id}."
    )
    root["datePublished"] = _time(told.finished_at)
    root["license"] = "The licence of the project applies; see its repository."
    profiles = [
        _entity(crate, address, "CreativeWork", name=name, version="0.5")
        for address, name in PROFILES.items()
    ]
    profiles.append(
        _entity(crate, WORKFLOW_RO_CRATE, "CreativeWork", name="Workflow RO-Crate", version="1.0")
    )
    root["conformsTo"] = profiles


def _workflow(crate: ROCrate, told: Provenance) -> Entity:
    language = _entity(
        crate,
        "https://jupyter.org/",
        "ComputerLanguage",
        name="Jupyter Notebook",
        url="https://jupyter.org/",
        identifier="https://jupyter.org/",
    )
    repository = told.repository.removesuffix(".git")
    properties: dict[str, Any] = {
        "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow"],
        "name": told.worksheet_title,
        "encodingFormat": "application/x-ipynb+json",
        "codeRepository": told.repository,
        "version": told.commit,
        "isBasedOn": f"{repository}/-/blob/{told.commit}/{told.notebook}",
        "description": f"{told.notebook} of {told.project} at commit {told.commit}",
    }
    workflow: Entity = crate.add(File(crate, dest_path=SOURCE, properties=properties))
    workflow["programmingLanguage"] = language
    workflow["conformsTo"] = _entity(
        crate,
        COMPUTATIONAL_WORKFLOW,
        "CreativeWork",
        name="ComputationalWorkflow",
        version="1.0-RELEASE",
    )
    crate.root_dataset["mainEntity"] = workflow
    return workflow


def _parameters(crate: ROCrate, told: Provenance, workflow: Entity) -> list[Entity]:
    """Describe each parameter and the value it had; return the values."""
    profile = _entity(crate, FORMAL_PARAMETER, "CreativeWork", name="FormalParameter", version="1.0-RELEASE")
    values = []
    for name, value in told.parameters.items():
        field = told.schema.get("properties", {}).get(name, {})
        formal = _entity(
            crate,
            f"#parameter-{name}",
            "FormalParameter",
            name=name,
            additionalType=TYPES.get(str(field.get("type")), "Text"),
            description=str(field.get("title") or field.get("description") or name),
            valueRequired="default" not in field,
        )
        formal["conformsTo"] = profile
        workflow.append_to("input", formal)
        shown = value if isinstance(value, str | int | float) else json.dumps(value, ensure_ascii=False)
        argument = _entity(crate, f"#argument-{name}", "PropertyValue", name=name, value=shown)
        argument["exampleOfWork"] = formal
        values.append(argument)
    return values


def _files(crate: ROCrate, bundle: Path) -> Iterator[Entity]:
    with beneath.folder(bundle) as at:
        for entry in beneath.walk(at):
            digest = sha256(at, entry.path)
            if entry.path == SOURCE:
                crate.mainEntity["sha256"], crate.mainEntity["contentSize"] = digest, str(entry.size)
                continue
            properties = {
                "name": DESCRIPTIONS.get(entry.path, entry.path),
                "contentSize": str(entry.size),
                "sha256": digest,
                "encodingFormat": media_type(entry.path).partition(";")[0],
            }
            yield crate.add(File(crate, bundle / entry.path, entry.path, properties=properties))


def _action(
    crate: ROCrate, told: Provenance, workflow: Entity, parameters: list[Entity], files: list[Entity]
) -> None:
    action = _entity(
        crate,
        f"#run-{told.run_id}",
        "CreateAction",
        name=f"Run of {told.worksheet_title}",
        description=f"Attempt {told.attempt} of run {told.run_id} in the workspace {told.workspace}, "
        f"by Labfork {told.labfork_version}",
        startTime=_time(told.started_at),
        endTime=_time(told.finished_at),
        actionStatus=ENDS[told.state],
    )
    if told.error:
        action["error"] = told.error
    action["instrument"] = workflow
    action["object"] = parameters
    action["result"] = files
    action["agent"] = _agent(crate, told)
    action["environment"] = _surroundings(crate, told)
    crate.root_dataset["mentions"] = [action]


def _agent(crate: ROCrate, told: Provenance) -> Entity:
    if told.agent is None:
        return _entity(crate, "#visitor", "Person", name="A visitor without an account")
    name, display_name = told.agent
    return _entity(crate, f"#person-{name}", "Person", name=display_name, alternateName=name)


def _surroundings(crate: ROCrate, told: Provenance) -> list[Entity]:
    """Describe what the run depended on besides its values: environment, packages, model."""
    environment = _entity(
        crate,
        f"#environment-{told.environment_key}",
        "PropertyValue",
        name="LABFORK_ENVIRONMENT_KEY",
        value=told.environment_key,
        description="Key of the environment: equal environment files and builder, equal key",
    )
    model = _entity(
        crate, "#alphagenome-backend", "PropertyValue", name="ALPHAGENOME_BACKEND", value=told.backend
    )
    packages = [
        _entity(
            crate,
            f"pkg:pypi/{name.lower()}@{version}",  # https://github.com/package-url/purl-spec
            "SoftwareApplication",
            name=name,
            version=version,
        )
        for name, version in told.packages.items()
    ]
    crate.mainEntity["softwareRequirements"] = packages
    return [environment, model]


def _entity(crate: ROCrate, id_: str, kind: str, /, **properties: Any) -> Entity:
    added: Entity = crate.add(ContextEntity(crate, id_, properties={"@type": kind, **properties}))
    return added


def _time(moment: dt.datetime) -> str:
    return moment.replace(microsecond=0).isoformat()
