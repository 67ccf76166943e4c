"""Vocabularies in the forms of other programs, there and back; SKOS is held against rdflib itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
import rdflib
from rdflib.namespace import DCTERMS, OWL, RDF, SKOS
from support.paths import REPO

from tagpipe.curation.exchange import FORMS, export_vocabulary, import_vocabulary
from tagpipe.errors import ConfigError, EditRefused, InputError
from tagpipe.vocabulary.entries import Entry, read_entries
from tagpipe.vocabulary.problems import vocabulary_of

HOSTILE = (
    Entry(
        "</script><script>alert(1)</script>",
        ('a"b', "x\\y", "two\nlines\r", "p@en", '"@en', "'", '"""', "\\u0041"),
        ("é", "No such"),
    ),
    Entry("é", ("É", "\x00\x07\x7f", "שלום", "a\u202eb", "\u2067x\u2069", "😀", "e\u0301x"), ("no-where", "no-where")),
    Entry("a b.c;", (), ("</script><script>alert(1)</script>", "É")),
    Entry("z", ("y", "x", "y"), (), True, "é"),
    Entry("gone", ("% 20",), ("z",), True),
)
PIPED = Entry("p|q", ("a|b",))


def import_skos(turtle: str) -> tuple[Entry, ...]:
    head = "@prefix skos: <http://www.w3.org/2004/02/skos/core#> . @prefix owl: <http://www.w3.org/2002/07/owl#> . "
    head += "@prefix dct: <http://purl.org/dc/terms/> . @prefix : <http://example.org/> . "
    return import_vocabulary(
        (head + "@prefix t: <urn:tagpipe:vocabulary:> .\n" + turtle).encode(), "skos", file="v.ttl"
    )


# There and back


@pytest.mark.parametrize("form", FORMS)
def test_hostile_names_come_back(form: str) -> None:
    entries = HOSTILE if form == "csv" else (*HOSTILE, PIPED)
    data = export_vocabulary(entries, form)
    assert import_vocabulary(data, form, file="v") == entries
    assert export_vocabulary(import_vocabulary(data, form, file="v"), form) == data


@pytest.mark.parametrize("form", ["json-object", "json-list", "ndjson", "skos"])
def test_what_an_editor_would_not_show_is_escaped(form: str) -> None:
    text = export_vocabulary(HOSTILE, form).decode()
    assert not set(text) & set("\x00\x07\x7f\u202e\u2067\u2069\r")
    assert "שלום" in text


def test_the_forms_as_they_are_written() -> None:
    entries = (Entry("b", ("x", "y"), ("a",)), Entry("a", (), (), True, "b"))
    shown = {form: export_vocabulary(entries, form).decode() for form in FORMS}
    assert shown["json-object"] == (
        '{\n  "b": {"aliases": ["x", "y"], "parents": ["a"]},\n'
        '  "a": {"aliases": [], "parents": [], "deprecated": true, "replaced_by": "b"}\n}\n'
    )
    assert shown["json-list"] == (
        '[\n  {"tag": "b", "aliases": ["x", "y"], "parents": ["a"]},\n'
        '  {"tag": "a", "aliases": [], "parents": [], "deprecated": true, "replaced_by": "b"}\n]\n'
    )
    assert shown["ndjson"].splitlines()[0] == '{"tag": "b", "aliases": ["x", "y"], "parents": ["a"]}'
    assert shown["csv"] == "tag,aliases,parents,deprecated,replaced_by\nb,x|y,a,,\na,,,true,b\n"
    assert export_vocabulary(entries[:1], "csv") == b"tag,aliases,parents\nb,x|y,a\n"
    assert shown["skos"].split("\n\n", 2)[2] == (
        "<urn:tagpipe:tag:a> a skos:Concept ;\n"
        "    skos:inScheme <urn:tagpipe:vocabulary> ;\n"
        '    skos:prefLabel "a" ;\n'
        "    owl:deprecated true ;\n"
        "    dcterms:isReplacedBy <urn:tagpipe:tag:b> ;\n"
        "    tagpipe:position 2 .\n"
        "\n"
        "<urn:tagpipe:tag:b> a skos:Concept ;\n"
        "    skos:inScheme <urn:tagpipe:vocabulary> ;\n"
        '    skos:prefLabel "b" ;\n'
        '    skos:altLabel "x" ;\n'
        '    skos:altLabel "y" ;\n'
        "    skos:broader <urn:tagpipe:tag:a> ;\n"
        "    tagpipe:position 1 .\n"
    )


def test_the_embedded_vocabulary_comes_back_from_every_form() -> None:
    received = (REPO / "data" / "source" / "vocabulary.json").read_bytes()
    entries = read_entries(received, ".json", file="v")
    assert export_vocabulary(entries, "json-object") == received
    for form in FORMS:
        assert import_vocabulary(export_vocabulary(entries, form), form, file="v") == entries


def test_the_documented_turtle_is_what_is_written() -> None:
    text = (REPO / "docs" / "vocabulary-exchange.md").read_text(encoding="utf-8")
    turtle = text.split("```turtle\n")[1].split("```")[0]
    assert export_vocabulary(import_vocabulary(turtle.encode(), "skos", file="v"), "skos").decode() == turtle
    with pytest.raises(InputError) as caught:
        import_vocabulary(
            b"@prefix skos: <http://www.w3.org/2004/02/skos/core#> . <http://example.org/dl> "
            b'skos:prefLabel "Deep learning" ; skos:broader <http://example.com/ml> .',
            "skos",
            file="skos.ttl",
        )
    assert f"\n    {caught.value}\n" in text


def test_a_list_in_csv_cannot_hold_its_separator() -> None:
    with pytest.raises(EditRefused, match=r"no name can contain it") as caught:
        export_vocabulary((PIPED,), "csv")
    assert (caught.value.field, caught.value.found) == ('aliases of "p|q"', '"a|b"')
    assert import_vocabulary(export_vocabulary((Entry("p|q"),), "csv"), "csv", file="v") == (Entry("p|q"),)


def test_another_form_is_a_usage_error() -> None:
    for act in (lambda: export_vocabulary(HOSTILE, "xml"), lambda: import_vocabulary(b"", "xml", file="v")):
        with pytest.raises(ConfigError, match="one of json-object, json-list, ndjson, csv, skos"):
            act()


def test_what_makes_no_vocabulary_is_refused() -> None:
    with pytest.raises(InputError, match="claimed by"):
        import_vocabulary(b'{"a": {"aliases": ["x"]}, "b": {"aliases": ["x"]}}', "json-object", file="v")


# SKOS, as rdflib has it


def test_rdflib_reads_the_same() -> None:
    graph = rdflib.Graph().parse(data=export_vocabulary((*HOSTILE, PIPED), "skos"), format="turtle")
    assert not any(isinstance(term, rdflib.BNode) for triple in graph for term in triple)
    iri_of = {str(graph.value(iri, SKOS.prefLabel)): iri for iri in graph.subjects(RDF.type, SKOS.Concept)}
    assert set(iri_of) == {entry.tag for entry in (*HOSTILE, PIPED)}
    for entry in (*HOSTILE, PIPED):
        iri = iri_of[entry.tag]
        labels = [*graph.objects(iri, SKOS.altLabel), *graph.objects(iri, SKOS.hiddenLabel)]
        assert sorted(map(str, labels)) == sorted(set(entry.aliases))
        assert all(isinstance(label, rdflib.Literal) and label.language is None for label in labels)
        assert graph.value(iri, OWL.deprecated, default=rdflib.Literal(False)).toPython() == entry.deprecated
        assert graph.value(iri, DCTERMS.isReplacedBy) == (iri_of[entry.replaced_by] if entry.replaced_by else None)
    # É is an alias of é: what is broader is the concept.
    assert set(graph.objects(iri_of["a b.c;"], SKOS.broader)) == {iri_of["é"], iri_of[HOSTILE[0].tag]}


def test_spelling_variants_are_hidden_labels() -> None:
    entries = (Entry("data-set", ("dataset", "Data Sets", "corpus", "data-sett", "data-set+")),)
    graph = rdflib.Graph().parse(data=export_vocabulary(entries, "skos"), format="turtle")
    assert sorted(map(str, graph.objects(None, SKOS.hiddenLabel))) == ["Data Sets", "dataset"]
    assert sorted(map(str, graph.objects(None, SKOS.altLabel))) == ["corpus", "data-set+", "data-sett"]


def test_rdflib_may_write_it_again() -> None:
    """Another program's order and prefixes do not matter."""
    graph = rdflib.Graph().parse(data=export_vocabulary(HOSTILE, "skos"), format="turtle")
    assert import_vocabulary(graph.serialize(format="turtle").encode(), "skos", file="v") == HOSTILE
    lines = sorted(graph.serialize(format="nt").splitlines())
    assert import_vocabulary("\n".join(lines).encode(), "skos", file="v") == HOSTILE


def test_labels_that_another_program_changed_win_over_the_order() -> None:
    text = export_vocabulary((Entry("a", ("z", "y", "x"), ("c", "b")), Entry("b"), Entry("c")), "skos").decode()
    text = text.replace('altLabel "y"', 'altLabel "new"').replace(
        "skos:broader <urn:tagpipe:tag:b>", "skos:broader <urn:tagpipe:tag:d>"
    )
    assert import_vocabulary(text.encode(), "skos", file="v")[0] == Entry("a", ("z", "x", "new"), ("c", "d"))


@pytest.mark.parametrize("seed", ["1", "2"])
def test_turtle_is_the_same_in_every_process(seed: str) -> None:
    code = (
        "import sys; from tagpipe.curation.exchange import *\n"
        "data = sys.stdin.buffer.read()\n"
        "entries = import_vocabulary(data, 'skos', file='v')\n"
        "sys.stdout.buffer.write(export_vocabulary(entries, 'skos'))"
    )
    data = export_vocabulary(HOSTILE, "skos")
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=data,
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": seed},
    )
    assert done.stdout == data


# SKOS of others


FOREIGN = """
:scheme a skos:ConceptScheme ; skos:prefLabel "All of it"@en ; skos:hasTopConcept :ml .
:group a skos:Collection ; skos:prefLabel "A group" ; skos:member :ml .
:ml a skos:Concept ; skos:prefLabel "Machine learning"@en, "Maschinelles Lernen"@de, "Machine learning"@nl ;
    skos:altLabel "ML"@en, "statistical learning" ; skos:narrower :dl, :old ; skos:notation "42" ;
    skos:definition "Learning, by machines."@en ; skos:editorialNote [ ] .
:dl skos:prefLabel "Deep learning"@EN-GB ; skos:broader :ml ; skos:related :ml ; skos:topConceptOf :scheme .
:nn a skos:Concept ; skos:prefLabel "Réseau"@fr ; skos:broader :dl, :ml ; skos:hiddenLabel "reseau"@fr .
:old a skos:Concept ; skos:prefLabel "Old" ; dct:isReplacedBy :ml .
"""


def test_foreign_skos_is_read() -> None:
    assert import_skos(FOREIGN) == (
        Entry("Deep learning", (), ("Machine learning",)),
        Entry("Machine learning", ("ML", "Maschinelles Lernen", "statistical learning")),
        Entry("Old", (), ("Machine learning",), True, "Machine learning"),
        Entry("Réseau", ("reseau",), ("Deep learning", "Machine learning")),
    )
    assert vocabulary_of(import_skos(FOREIGN), file="v").tags == ("Deep learning", "Machine learning", "Réseau")


@pytest.mark.parametrize(
    ("turtle", "words"),
    [
        ("", ["v.ttl", "no skos:Concept"]),
        (":a a skos:Concept .", ["no name", "skos:prefLabel of <http://example.org/a>"]),
        (':a skos:prefLabel "x"@fr, "y"@de .', ["several names", '"x and y"', "English"]),
        (':a skos:prefLabel "x", "y" .', ["several names", '"x and y"']),
        (":a skos:prefLabel :b .", ["not a name", "http://example.org/b"]),
        (':a skos:prefLabel "x" ; skos:altLabel :b .', ["not a name", "skos:altLabel"]),
        (':a skos:prefLabel " " .', ["not a name", '" "', "not blank"]),
        (':a skos:prefLabel "x" ; skos:altLabel "\\uD800" .', ["not a name", "skos:altLabel of", "ud800"]),
        (':a skos:prefLabel "x" ; skos:broader <urn:tagpipe:tag:%20> .', ["skos:broader of", "tag:%20"]),
        (':a skos:prefLabel "x" ; skos:broader <urn:tagpipe:tag:> .', ["skos:broader of", "tag:"]),
        ('[] skos:prefLabel "x" .', ["no IRI", "a blank node"]),
        (':a skos:prefLabel "x" ; skos:broader <http://other.org/y> .', ["skos:broader of", "http://other.org/y"]),
        (':a skos:prefLabel "x" ; skos:broader "y" .', ["skos:broader of", '"y"']),
        (':a skos:prefLabel "x" ; skos:broader <urn:tagpipe:tag:%F> .', ["skos:broader of", "tag:%F"]),
        (':a skos:prefLabel "x" ; skos:broader <urn:tagpipe:tag:y%> .', ["skos:broader of", "tag:y%"]),
        (':a skos:prefLabel "x" ; skos:broader <urn:tagpipe:tag:%FF> .', ["skos:broader of", "tag:%FF"]),
        (':a skos:prefLabel "x" ; skos:narrower <http://other.org/y> .', ["skos:narrower of", "http://other.org/y"]),
        (':a skos:prefLabel "x" . :b skos:prefLabel "X" .', ["twice", '"x"', '"X"']),
        (':a skos:prefLabel "x" . :b skos:prefLabel "y" ; skos:altLabel "X" .', ['"X"', '"y"', "canonical"]),
        (':a skos:prefLabel "x" ; skos:broader :b . :b skos:prefLabel "y" ; skos:broader :a .', ["cycle"]),
        (':a skos:prefLabel "x" ; owl:deprecated "perhaps" .', ["truth value", "owl:deprecated of", '"perhaps"']),
        (':a skos:prefLabel "x" ; dct:isReplacedBy <http://other.org/y> .', ["isReplacedBy of", "http://other.org/y"]),
        (':a skos:prefLabel "x" ; t:aliases "x" .', ["tagpipe:aliases of", "JSON list"]),
        (':a skos:prefLabel "x" ; t:parents "[1]" .', ["tagpipe:parents of", "JSON list"]),
        (':a skos:prefLabel "x" ; t:position "first" .', ["tagpipe:position of", '"first"']),
        (':a skos:prefLabel "x" .\n:b skos:prefLabel "y\n.', ["v.ttl", "not Turtle"]),
        (':a skos:prefLabel "x" .\nnope:b skos:prefLabel "y" .', ["v.ttl, line 3", "not Turtle", "Prefix"]),
        (":a :b " + "[ :c " * 2000 + "]" * 2000 + " .", ["v.ttl", "not Turtle", "recursion"]),
        ("{} []", ["v.ttl, line 2", "not Turtle"]),
    ],
)
def test_bad_skos_is_one_clear_error(turtle: str, words: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        import_skos(turtle)
    text = str(caught.value)
    assert [word for word in words if word not in text] == []
    assert len(text.splitlines()[0]) < 400


def test_rdflib_says_nothing_of_its_own(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    turtle = ':a skos:prefLabel "x" ; <a b> "perhaps"^^<http://www.w3.org/2001/XMLSchema#boolean> .'
    assert import_skos(turtle) == (Entry("x"),)
    assert (caplog.records, *capfd.readouterr()) == ([], "", "")


def test_bytes_that_are_not_utf8_are_named() -> None:
    with pytest.raises(InputError, match="not UTF-8 at byte 2"):
        import_vocabulary(b"# \xff", "skos", file="v.ttl")


def test_relative_names_of_concepts_mean_each_other() -> None:
    turtle = (
        '<a> skos:prefLabel "x" ; skos:broader <#b>, <../c> . <#b> skos:prefLabel "y" . <../c> skos:prefLabel "z" .'
    )
    assert import_skos(turtle)[0] == Entry("x", (), ("y", "z"))


def test_no_file_is_opened_and_no_address_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("the network was used"))
    turtle = "@base <http://127.0.0.1:1/> . <x> <http://www.w3.org/2002/07/owl#imports> <file:///etc/passwd> . "
    assert import_skos(turtle + ':a skos:prefLabel "x" .') == (Entry("x"),)


def test_without_rdflib_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    data = export_vocabulary((Entry("a"),), "skos")
    monkeypatch.setitem(sys.modules, "rdflib", None)
    with pytest.raises(ConfigError, match=r"pip install 'tagpipe\[skos\]'"):
        import_vocabulary(data, "skos", file="v")
    assert json.dumps(export_vocabulary((Entry("a"),), "skos").decode()) == json.dumps(data.decode())
