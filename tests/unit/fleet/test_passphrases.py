# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a repository gets its passphrase; the passphrase itself is never shown."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetkeep.errors import FleetkeepError
from fleetkeep.fleet import Origin, explain, explained_as_json, literal, node_of, render_explained
from fleetkeep.fleet.declarations import Declarations
from fleetkeep.fleet.load import Vaulted
from fleetkeep.fleet.passphrases import DeclaredPassphrase, read_passphrase
from fleetkeep.fleet.resolve import Resolved, resolve_client
from fleetkeep.fleet.setting import Refused, Renderer, setting_of
from fleetkeep.fleet.validate import validate_fleet
from fleetkeep.model import Encryption, PassphraseKind

GIVEN = Encryption.REPOKEY_BLAKE2
SECRET = "correct horse battery staple"


def read(passphrase: object, encryption: Encryption | None = GIVEN) -> DeclaredPassphrase:
    repository = setting_of(node_of({"passphrase": passphrase}, Origin("f.yml", 1, 1)), "repositories.a")
    return read_passphrase(Renderer(literal).deep(repository), encryption)


def refusal(passphrase: object, encryption: Encryption | None = GIVEN) -> str:
    with pytest.raises(Refused) as refused:
        read(passphrase, encryption)
    return str(refused.value.found).removeprefix("f.yml:1:1: repositories.a")


@pytest.mark.parametrize(
    ("passphrase", "encryption", "read_as"),
    [
        (SECRET, GIVEN, DeclaredPassphrase(PassphraseKind.GIVEN, SECRET)),
        (f"{SECRET}\n", None, DeclaredPassphrase(PassphraseKind.GIVEN, SECRET)),
        (" inner space ", GIVEN, DeclaredPassphrase(PassphraseKind.GIVEN, " inner space ")),
        ({"generate": True}, GIVEN, DeclaredPassphrase(PassphraseKind.GENERATED)),
        ({"command": ["pass", "x"]}, GIVEN, DeclaredPassphrase(PassphraseKind.COMMAND, command=("pass", "x"))),
        (None, Encryption.NONE, DeclaredPassphrase(PassphraseKind.NONE)),
        (None, None, DeclaredPassphrase(PassphraseKind.NONE)),
    ],
)
def test_the_ways_to_give_one(passphrase: object, encryption: Encryption | None, read_as: DeclaredPassphrase) -> None:
    assert read(passphrase, encryption) == read_as


@pytest.mark.parametrize(
    ("passphrase", "encryption", "problem"),
    [
        (None, GIVEN, " has no passphrase, but its encryption repokey-blake2 needs one; give passphrase:"),
        ("", GIVEN, ".passphrase is empty; give passphrase"),
        (" \n", GIVEN, ".passphrase is empty; give passphrase"),
        (f"{SECRET}\n{SECRET}", GIVEN, ".passphrase has several lines"),
        (f"{SECRET}\0", GIVEN, ".passphrase has several lines or a NUL"),
        (SECRET, Encryption.NONE, ".passphrase is given, but encryption none takes no passphrase"),
        (4711, GIVEN, ".passphrase has a wrong value (not shown), but text in quotes"),
        ([SECRET], GIVEN, ".passphrase has a wrong value (not shown), but text in quotes"),
        ({}, GIVEN, ".passphrase takes one of generate and command"),
        ({"generate": True, "command": ["x"]}, GIVEN, ".passphrase takes one of generate and command"),
        ({"generate": False}, GIVEN, ".passphrase.generate is only ever true"),
        ({"generate": SECRET}, GIVEN, ".passphrase.generate is only ever true"),
        ({"genrate": SECRET}, GIVEN, ".passphrase has the unknown key 'genrate'; did you mean generate?"),
        ({"command": []}, GIVEN, ".passphrase.command has a wrong value (not shown), but a list of program"),
        ({"command": SECRET}, GIVEN, ".passphrase.command has a wrong value (not shown), but a list of program"),
        ({"command": [SECRET, 1]}, GIVEN, ".passphrase.command has a wrong value (not shown), but a list of program"),
    ],
)
def test_what_is_wrong_with_it(passphrase: object, encryption: Encryption | None, problem: str) -> None:
    found = refusal(passphrase, encryption)
    assert found.startswith(problem)
    assert SECRET not in found


@pytest.mark.parametrize("passphrase", ["{{ x }}", Vaulted("x"), {"generate": "{{ x }}"}, {"command": ["{{ x }}"]}])
def test_nothing_is_said_about_what_is_not_known(passphrase: object) -> None:
    with pytest.raises(Refused) as refused:
        read(passphrase)
    assert refused.value.found is None


def test_it_is_not_in_any_representation() -> None:
    assert SECRET not in repr(read(SECRET))


anything: st.SearchStrategy[object] = st.recursive(
    st.just(SECRET) | st.just(SECRET) | st.none() | st.booleans() | st.integers(0, 3),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["generate", "command", "x"]), inner, max_size=2)
    ),
    max_leaves=4,
)
repositories = st.fixed_dictionaries(
    {"passphrase": anything},
    optional={
        "path": st.sampled_from(["/srv", "srv", f"ssh://me:{SECRET.replace(' ', '')}@host/x", "ssh://host/x"]),
        "pasphrase": anything,
        "encryption": st.sampled_from(["none", "repokey", "repkey"]),
        "per": st.sampled_from(["client", "fleet", "host"]),
        "storage": st.just("vault1"),
    },
)


@settings(max_examples=300, deadline=None)
@given(repositories | anything, st.booleans())
def test_a_secret_is_nowhere_but_in_the_secrets(repository: object, by_expression: bool) -> None:
    tree = node_of({"passphrase": "{{ it }}"} if by_expression else repository, Origin("f.yml", 1, 1))
    job = node_of({"clients": "all", "repositories": ["a"], "sources": {"paths": ["/etc"]}, "retention": {"last": 1}})
    declarations = Declarations({"repositories": {"a": tree}, "jobs": {"j": job}})

    def template(value: object) -> object:
        return repository if value == "{{ it }}" else value

    resolved = resolve_client(declarations, "web1", frozenset(), {"all": ["web1"]}, template)
    assert (resolved.state is None) is bool(resolved.problems)
    texts = [repr(resolved), *explanation(resolved)]
    texts += [str(problem) for problem in validate_fleet(declarations, {"web1": frozenset()}, None, lambda _: template)]
    if resolved.state is not None:
        texts.append(resolved.state.model_dump_json())
    for text in texts:
        assert SECRET not in text
        assert SECRET.replace(" ", "") not in text


def explanation(resolved: Resolved) -> list[str]:
    try:
        explained = explain(resolved)
    except FleetkeepError as error:
        return [str(error)]
    return [render_explained(explained), explained_as_json(explained)]


def test_a_given_passphrase_is_among_the_secrets_and_nowhere_else(resolve: Callable[..., Resolved]) -> None:
    resolved = resolve(
        f"""
        repositories: {{a: {{path: /a, passphrase: {SECRET}}}, b: {{path: /b, passphrase: {{generate: true}}}}}}
        jobs: {{j: {{clients: all, repositories: [a, b], sources: {{paths: [/etc]}}, retention: {{last: 1}}}}}}
        """
    )
    assert resolved.secrets == {"a": SECRET}
    assert resolved.state is not None
    kinds = json.loads(resolved.state.model_dump_json())["repositories"]
    assert {name: kinds[name]["passphrase"] for name in kinds} == {"a": "given", "b": "generated"}
    assert SECRET not in repr(resolved)
