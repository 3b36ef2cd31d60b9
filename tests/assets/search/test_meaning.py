"""Finding by meaning: vectors of a stand-in for a model, beside the words, within one's rights."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from madang.assets.catalogue.model import Record
from madang.assets.harvest import running
from madang.assets.search import service
from madang.assets.search.errors import EmbedderFailed, EmbedderRefused, NoEmbedder
from madang.assets.search.meaning import making, nearest
from madang.assets.search.meaning.making import Made
from madang.assets.search.service import Asked
from madang.engines.embeddings import OpenAI
from madang.kernel.authorizer import Principal
from madang.kernel.home import Home, open_home
from tests.assets.search.conftest import RECORDS, document, found
from tests.conftest import Office, Played
from tests.serving import standing_in

MEANINGS = [
    ("heart", "intensive care", "cardiac"), ("galax", "nebula"), ("전지", "accumulator"),
    ("급식", "canteen"), ("미세먼지", "smog"), ("tide", "shoreline"), ("tokamak",),
]  # fmt: skip


def vector(text: str) -> list[float]:
    """One axis for each meaning, and one that everything has."""
    return [3.0 if any(word in text for word in words) else 0.0 for words in MEANINGS] + [1.0]


@dataclass
class Model:
    """A stand-in for a server of models."""

    url: str = ""
    asked: list[list[str]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    answer: Callable[[list[str]], tuple[int, Any]] | None = None

    def reply(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, Any]:
        texts = json.loads(body)["input"]
        assert (method, path) == ("POST", "/v1/embeddings")
        self.asked.append(texts)
        self.keys.append(headers.get("Authorization"))
        if self.answer:
            return self.answer(texts)
        told = [{"index": place, "embedding": vector(text)} for place, text in enumerate(texts)]
        return 200, {"data": told[::-1]}


@pytest.fixture
def model() -> Iterator[Model]:
    made = Model()
    with standing_in(made.reply) as url:
        made.url = f"{url}/v1"
        yield made


def with_model(home: Home, model: Model, **more: object) -> Home:
    """The same home with a model in its settings."""
    told = {"embedder": "openai", "embedder_url": model.url, "embedder_model": "m", "embedder_key": "secret"}
    flags = {"harvest_folders": home.values.harvest_folders, "database_url": home.values.database_url}
    return open_home(home.path, {**flags, **told, **more})


@pytest.fixture
def near(desk: tuple[Home, Principal], model: Model) -> tuple[Home, Principal]:
    """The desk with a model, and vectors of everything."""
    home = with_model(desk[0], model, embedder_text="passage: ", embedder_question="query: ")
    making.make(home)
    model.asked.clear()
    return home, desk[1]


@pytest.mark.parametrize(
    ("words", "best"),
    [("canteen", "school"), ("nebula", "hubble"), ("accumulator", "battery"), ("smog", "air"),
     ("shoreline erosion", "tides"), ("cardiac", "heart")],
)  # fmt: skip
def test_what_no_word_says_is_found_by_its_meaning(
    desk: tuple[Home, Principal], near: tuple[Home, Principal], model: Model, words: str, best: str
) -> None:
    assert best not in found(*desk, words)
    assert found(*near, words)[0] == best
    assert model.asked == [[f"query: {words}"]]
    assert set(model.keys) == {"Bearer secret"}


def test_what_words_and_meaning_agree_on_stands_first(near: tuple[Home, Principal]) -> None:
    assert found(*near, "sea level tide")[0] == "tides"
    assert nearest.fused([["a", "b", "c"], ["c", "d"]]) == ["c", "a", "b", "d"]


def test_filters_hold_for_what_is_near_and_it_is_counted(near: tuple[Home, Principal]) -> None:
    answer = service.search(*near, Asked("canteen"))
    assert answer.count == len(answer.found) == len(RECORDS)
    assert dict(answer.facets["kind"]) == {"record": len(RECORDS)}
    late = service.search(*near, Asked("canteen", years=(2022, None)))
    assert late.count == len(late.found) == 3
    assert found(*near, "canteen", facets={"licence": ("CC0-1.0",)}) == ["heart"]
    pages = [found(*near, "canteen", limit=2, offset=at) for at in (0, 2, 4, 6)]
    assert [len(page) for page in pages] == [2, 2, 2, 0]
    assert len({name for page in pages for name in page}) == len(RECORDS)


def test_nothing_that_one_may_not_know_of_is_near(copied: Played, model: Model) -> None:
    """Everything is near to something; so a question finds and counts what its asker may know of, no more."""
    plain = copied.home
    home = with_model(plain, model)
    assert making.make(home).things > 5
    counts = set()
    for actor in (copied.actor("msit"), copied.actor("company-a"), newcomer(home, copied.actor("msit"))):
        everything = service.search(plain, actor, Asked(limit=50))
        answer = service.search(home, actor, Asked("tokamak", limit=50))
        assert answer.count == everything.count
        assert names(answer) == names(everything)
        counts.add(answer.count)
    assert len(counts) > 1, "all may know of the same, and the test shows nothing"


def test_what_one_may_not_know_of_takes_no_place(
    copied: Played, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How many are near tells nothing of how many near ones are hidden."""
    monkeypatch.setattr(nearest, "NEAR", 3)
    home = with_model(copied.home, model)
    making.make(home)
    for actor in (copied.actor("msit"), copied.actor("company-a"), newcomer(home, copied.actor("msit"))):
        answer = service.search(home, actor, Asked("tokamak"))
        assert answer.count == len(answer.found) == 3


def newcomer(home: Home, officer: Principal) -> Principal:
    """Somebody of an organization that takes part in nothing."""
    return Office(home, officer, "").join("newcomer", "steward", name="lee")


def names(answer: service.Answer) -> set[str]:
    return {one.what.record_id if isinstance(one.what, Record) else one.what.name for one in answer.found}


def test_vectors_are_made_once_and_of_what_changed(
    near: tuple[Home, Principal], model: Model, tmp_path: Path
) -> None:
    home, actor = near
    assert making.make(home) == Made(6, 0, 6, 0)
    assert model.asked == []
    changed = document("heart").replace("Electrocardiograms", "Tokamaks: tokamak shots")
    (tmp_path / "records/heart.json").write_text(changed)
    (tmp_path / "records/school.json").unlink()
    running.run(home, actor, "ours")
    assert making.make(home) == Made(5, 1, 4, 1)
    assert [text[:18] for text in model.asked[0]] == ["passage: Tokamaks:"]
    assert found(home, actor, "tokamak")[0] == "heart"
    assert "school" not in found(home, actor, "canteen")


def test_vectors_of_another_model_are_none(near: tuple[Home, Principal], model: Model) -> None:
    other = with_model(near[0], model, embedder_model="other")
    assert found(other, near[1], "canteen") == []
    assert making.make(other) == Made(6, 6, 0, 0)
    assert found(other, near[1], "canteen")[0] == "school"


def test_a_question_without_a_concept_counts_everything(near: tuple[Home, Principal]) -> None:
    answer = service.search(*near, Asked("what is this"))
    assert answer.count == len(answer.found) == len(RECORDS)


def test_a_model_that_takes_little_is_given_little(desk: tuple[Home, Principal], model: Model) -> None:
    """Two texts at a time, of 300 signs."""
    model.answer = lambda texts: (
        (413, {}) if len(texts) > 2 or any(len(text) > 300 for text in texts) else _vectors(texts)
    )
    home = with_model(desk[0], model, embedder_text="passage: " + "-" * 30)
    assert making.make(home) == Made(6, 6, 0, 0)
    model.answer = lambda texts: (413, {}) if "passage: " in texts[0] else _vectors(texts)
    with pytest.raises(EmbedderRefused):
        making.make(with_model(desk[0], model, embedder_text="passage: "))


def test_another_model_behind_the_same_name(
    near: tuple[Home, Principal], model: Model, tmp_path: Path
) -> None:
    """Its vectors have another length: the first are none, and nothing breaks."""
    model.answer = lambda texts: (
        200,
        {"data": [{"index": i, "embedding": [*vector(text), 0.5]} for i, text in enumerate(texts)]},
    )
    (tmp_path / "records/heart.json").write_text(document("heart").replace("Electro", "Tokamak, electro"))
    running.run(*near, "ours")
    assert found(*near, "canteen") == []
    making.make(near[0])
    assert found(*near, "tokamak")[0] == "heart"
    making.make(near[0])
    assert found(*near, "canteen")[0] == "school"


def test_what_was_cut_off_goes_on(
    desk: tuple[Home, Principal], model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = with_model(desk[0], model)
    monkeypatch.setattr(making, "_AT_A_TIME", 2)
    model.answer = lambda texts: (200, {"data": []}) if len(model.asked) > 2 else _vectors(texts)
    with pytest.raises(EmbedderFailed):
        making.make(home)
    model.answer = None
    assert making.make(home) == Made(6, 2, 4, 0)


def _vectors(texts: list[str]) -> tuple[int, Any]:
    return 200, {"data": [{"index": i, "embedding": vector(text)} for i, text in enumerate(texts)]}


def test_while_the_model_is_silent_words_find(near: tuple[Home, Principal], model: Model) -> None:
    model.answer = lambda texts: (500, {"error": "out of memory"})
    assert found(*near, "이차전지") == found(*near, "이차전지") == ["battery"]
    assert len(model.asked) == 1, "a model that failed is asked again with each question"


@pytest.mark.parametrize(
    "answer",
    [(500, {}), (302, {}), (200, []), (200, {"data": []}), (200, {"data": 3}), (200, "vectors"),
     (200, {"data": [{"index": 0, "embedding": [0.0, 0.0]}]}),
     (200, {"data": [{"index": 0, "embedding": [math.nan, 1.0]}]}),
     (200, {"data": [{"index": 1, "embedding": [1.0]}]}), (200, {"data": [{"index": math.inf}]}),
     (200, {"data": [{"index": 0, "embedding": [10**400]}]}),
     (200, {"data": [{"index": 0, "embedding": []}]}),
     (200, {"data": [{"index": 0, "embedding": ["a"]}]}),
     (200, {"data": [{"index": 0, "embedding": [[1.0]]}]}),
     (200, {"data": [{"index": 0, "embedding": [1.0]}, {"index": 1, "embedding": [1.0]}]})],
)  # fmt: skip
def test_answers_that_are_none(office: Office, model: Model, answer: tuple[int, Any]) -> None:
    model.answer = lambda texts: answer
    home = with_model(office.home, model)
    with pytest.raises(EmbedderFailed):
        OpenAI(home.values).question("words")


def test_a_model_is_asked_over_https_or_on_this_machine(office: Office, model: Model) -> None:
    for url in ("http://models.example/v1", "http://127.0.0.1:80@models.example/v1"):
        far = with_model(office.home, model, embedder_url=url)
        with pytest.raises(EmbedderFailed):
            OpenAI(far.values)
    near = with_model(office.home, model, embedder_url="http://localhost/v1")
    assert OpenAI(near.values).name


def test_without_a_model_there_is_nothing_to_make(desk: tuple[Home, Principal]) -> None:
    with pytest.raises(NoEmbedder):
        making.make(desk[0])
