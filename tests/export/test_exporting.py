"""`agentlogger export`: every record once, whatever stops it, and an end that says so."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import re
from contextlib import contextmanager
from pathlib import Path

import pytest
import zstandard
from pyarrow import parquet

from agentlogger.terminal import chunks, exporting
from agentlogger.terminal.databases import DatabaseSource
from tests.export.installations import NOW, Installation, same
from tests.terminal.imports import served


def lines(path: Path) -> list[bytes]:
    content = path.read_bytes()
    if path.suffix == ".gz":
        content = gzip.decompress(content)
    if path.suffix == ".zst":
        content = (
            zstandard.ZstdDecompressor().stream_reader(content, read_across_frames=True).read()
        )
    return content.splitlines(keepends=True)


def exported(path: Path) -> list[dict]:
    """The records of an export, whose trailer must be right."""
    *records, last = lines(path)
    trailer = json.loads(last)["trailer"]
    assert (trailer["complete"], trailer["records"]) == (True, len(records))
    assert trailer["sha256"] == hashlib.sha256(b"".join(records)).hexdigest()
    return [json.loads(line) for line in records]


def test_an_export_is_imported_elsewhere_as_the_same_records(
    here: Installation, there: Installation, tmp_path
):
    here.fill()
    file = tmp_path / "all.ndjson.zst"

    outcome = here.run("export", str(file))
    assert outcome.exit_code == 0, outcome.output
    assert exported(file) == here.records()
    assert not file.with_name("all.ndjson.zst.state").exists()

    for stored in ("{0} stored, 0 known", "0 stored, {0} known"):
        imported = there.run("import", str(file))
        assert imported.exit_code == 0, imported.output
        assert stored.format(len(here.records())) in imported.stdout
    assert same(there.records()) == same(here.records())
    assert {one["envelope"]["origin"]["id"] for one in there.records()} == {
        one["id"] for one in here.records()
    }


class Stop(Exception):  # noqa: N818  (it is no error)
    """As sudden as a kill."""


@pytest.mark.parametrize("name", ["a.ndjson", "a.csv.gz", "a.ndjson.zst", "a.parquet"])
def test_an_export_that_was_killed_goes_on_and_is_the_same(here, tmp_path, monkeypatch, name):
    here.send(*({"body": f"{n}" * 9, "time": NOW + n} for n in range(17)))
    monkeypatch.setattr(chunks, "RECORDS", 4)
    monkeypatch.setattr(exporting, "PARQUET_RECORDS", 4)
    whole, cut = tmp_path / f"whole-{name}", tmp_path / f"cut-{name}"
    assert here.run("export", str(whole)).exit_code == 0
    take = DatabaseSource.lines
    for survived in (2, 6, 3):
        with monkeypatch.context() as patch:
            patch.setattr(DatabaseSource, "lines", killed_after(take, survived))
            assert isinstance(here.run("export", str(cut)).exception, Stop)

    outcome = here.run("export", str(cut))
    assert outcome.exit_code == 0, outcome.output
    assert "Going on behind 4 records" in outcome.stderr
    if name == "a.parquet":
        tables = [parquet.read_table(folder) for folder in (whole, cut)]
        assert tables[0].equals(tables[1])
        assert tables[0].column("id").to_pylist() == [one["id"] for one in here.records()]
        assert tables[0].column("ts_ns").to_pylist() == [NOW + n for n in range(17)]
        assert json.loads((cut / "_trailer.json").read_text())["trailer"]["records"] == 17
    else:
        # Each says of itself when it was begun.
        ends = [re.sub(rb"as_of\W+[-:.TZ0-9]+", b"", lines(path)[-1]) for path in (whole, cut)]
        assert lines(cut)[:-1] == lines(whole)[:-1]
        assert ends[0] == ends[1]
        assert b"17" in ends[0]


def killed_after(take, records: int):
    """A reading of lines that ends as by a kill, so many lines after its beginning."""
    left = iter(range(records))

    class Killed:
        def __init__(self, *given):
            self.given = given

        def __enter__(self):
            self.inner = take(*self.given)
            return self.read(self.inner.__enter__())

        def read(self, found):
            for line in found:
                if not line.startswith(chunks.TRAILER) and next(left, None) is None:
                    raise Stop
                yield line

        def __exit__(self, *told):
            return self.inner.__exit__(*told)

    return lambda *given: Killed(*given)  # noqa: PLW0108  (a class would not be bound)


def test_an_answer_that_is_cut_off_is_asked_for_again(here, tmp_path, monkeypatch):
    here.send(*({"body": n, "time": NOW + n} for n in range(7)))
    monkeypatch.setattr(chunks, "RECORDS", 3)
    monkeypatch.setattr(chunks, "PAUSES_SECONDS", (0, 0))
    take = chunks._chunk
    tries = iter(range(100))

    def cut(source, place, took, most):
        if next(tries) % 2:
            return take(source, place, took, most)
        take(source, place, lambda line: took(line[:5]), most)
        return None

    monkeypatch.setattr(chunks, "_chunk", cut)
    file = tmp_path / "a.ndjson.gz"

    assert here.run("export", str(file)).exit_code == 0
    assert exported(file) == here.records()


def test_a_server_is_exported_from_as_its_database_is(here, tmp_path):
    here.send(*({"body": n, "time": NOW + n, "session_id": f"s{n % 2}"} for n in range(5)))
    of_server, of_database = tmp_path / "a.ndjson", tmp_path / "b.ndjson"
    with served(here.app) as url:
        query = ["session:s1", "--since", str(NOW)]
        assert here.run("export", str(of_server), *query, "--server", url).exit_code == 0
    assert here.run("export", str(of_database), *query).exit_code == 0

    assert [one["body"] for one in exported(of_server)] == [1, 3]
    assert exported(of_database) == exported(of_server)


def test_a_table_of_nothing_has_a_head_and_a_trailer(here, tmp_path):
    file = tmp_path / "a.csv"
    assert here.run("export", str(file)).exit_code == 0

    (last,) = csv.DictReader(io.StringIO(file.read_text(), newline=""))
    assert last["id"].startswith("#trailer complete=true records=0 ")


def test_standard_output_has_the_same_and_no_word_between(here):
    here.send({"body": "a", "time": NOW}, {"body": "b", "time": NOW + 1})
    outcome = here.run("export", "-")

    *records, last = map(json.loads, outcome.stdout_bytes.splitlines())
    assert records == here.records()
    assert last["trailer"]["records"] == 2


def test_what_is_there_is_not_written_over_unless_that_is_meant(here, tmp_path, monkeypatch):
    here.send(*({"body": n, "time": NOW + n} for n in range(5)))
    file = tmp_path / "a.ndjson"
    file.write_text("mine")

    refused = here.run("export", str(file))
    assert (refused.exit_code, file.read_text()) == (1, "mine")
    assert "give --overwrite" in refused.stderr
    assert here.run("export", str(file), "--overwrite").exit_code == 0
    assert len(exported(file)) == 5

    monkeypatch.setattr(chunks, "RECORDS", 2)
    other = tmp_path / "b.ndjson"
    with monkeypatch.context() as patch:
        patch.setattr(DatabaseSource, "lines", killed_after(DatabaseSource.lines, 3))
        here.run("export", str(other))
    refused = here.run("export", str(other), "level:error")
    assert (refused.exit_code, "of another export" in refused.stderr) == (1, True)


@pytest.mark.parametrize("name", ["a.txt", "a", "a.parquet.gz"])
def test_a_name_that_says_no_format_is_refused_before_anything_is_written(here, tmp_path, name):
    outcome = here.run("export", str(tmp_path / name))

    assert outcome.exit_code == 2
    assert "does not say in which format" in outcome.stderr
    assert not (tmp_path / name).exists()


def test_an_answer_that_was_changed_on_its_way_is_not_kept(here, tmp_path, monkeypatch):
    here.send({"body": "true", "time": NOW})
    take = DatabaseSource.lines

    @contextmanager
    def changed(*given):
        with take(*given) as found:
            yield (line.replace(b'"true"', b'"lies"') for line in found)

    monkeypatch.setattr(DatabaseSource, "lines", changed)
    outcome = here.run("export", str(tmp_path / "a.ndjson"))

    assert (outcome.exit_code, "something between changes" in outcome.stderr) == (1, True)
    assert "lies" not in (tmp_path / "a.ndjson.state").read_text()
    monkeypatch.setattr(DatabaseSource, "lines", take)
    assert here.run("export", str(tmp_path / "a.ndjson")).exit_code == 0
    assert [one["body"] for one in exported(tmp_path / "a.ndjson")] == ["true"]
