import dataclasses
import hashlib
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import soundfile
from matplotlib.figure import Figure
from PIL import Image

from gaae_tf.report import page
from gaae_tf.report.page import (
    ClassSounds,
    Curve,
    PageContents,
    Picture,
    PointSet,
    Score,
    Sound,
    Strip,
    StyleMatrix,
    write_page,
)

RATE_HZ, SAMPLES, BINS, FRAMES = 8000, 400, 16, 8
HOSTILE = (
    "<!--<script></script ><script>alert(1)</script><img src=x onerror='alert(1)'>"
    "&amp;\"'\u2028$title"
)
PARTS = page.STATIC
VOID = {"meta", "link", "img", "br", "input"}


class Page(HTMLParser):
    """A page as a browser without JavaScript has it; elements must close in the order they open."""

    def __init__(self, path):
        super().__init__()
        self.folder = path.parent
        self.elements = []  # (tag, attributes)
        self.texts = {}  # tag -> texts
        self.open = []
        self.feed(path.read_text(encoding="utf-8"))
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        assert len(dict(attrs)) == len(attrs)
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open:
            self.texts.setdefault(self.open[-1], []).append(data)

    @property
    def data_text(self):
        (text,) = (text for text in self.texts["script"] if text.startswith("{"))
        return text

    @property
    def data(self):
        return json.loads(self.data_text)

    def of(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def sound(name="a sound", seed=0, **changes):
    rng = np.random.default_rng(seed)
    audio, spectrogram = rng.uniform(-0.5, 0.5, SAMPLES), rng.uniform(-1, 1, (BINS, FRAMES))
    return dataclasses.replace(Sound(name, audio, spectrogram), **changes)


def contents(name="dog"):
    """Everything once, `name` wherever a text may stand."""
    three = [sound(name, seed, note=name) for seed in range(3)]
    return PageContents(
        title=name,
        sample_rate_hz=RATE_HZ,
        introduction=name,
        facts={name: name},
        scores=[
            Score(name, 80.5, "%", 1, interval=(77, 83), provenance={name: name}, better="higher"),
            Score("Fréchet distance", 1.5, name, deviation=0.25, yardsticks={name: 2.0}),
            Score("loss", None, reason=name),
        ],
        curves=[Curve(name, np.arange(3) * 100, np.array([1.0, np.nan, 1 / 3]))],
        classes=[ClassSounds(name, three, three, three[:1]), ClassSounds("cat", (), (), three)],
        matrix=StyleMatrix([three[0], name], [name, "cat"], [three[:2], three[1:]]),
        strips=[Strip(name, three, [name, "0.5", "1"], note=name)],
        points=[
            PointSet(
                name,
                np.arange(3.0),
                np.arange(3.0),
                three,
                {name: ["cat", None, name], "pitch": [60, np.nan, 62.5]},
                name,
            )
        ],
        pictures=[picture("codes_by-class", name)],
    )


def picture(name, title="a figure"):
    figure = Figure(figsize=(2.0, 1.0))
    figure.subplots().plot([0, 1], [0, 1])
    return Picture(name, title, figure)


def of_sounds(*sounds, rate=RATE_HZ):
    return PageContents("sounds", rate, classes=[ClassSounds("dog", generated=sounds)])


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return Page(write_page(tmp_path_factory.mktemp("page") / "report", contents()))


def test_elements_close_in_order_and_names_are_unique_and_found(whole):
    ids = [attributes["id"] for _, attributes in whole.elements if "id" in attributes]
    assert len(set(ids)) == len(ids)
    for _, attributes in whole.elements:
        for reference in ("aria-labelledby", "aria-describedby", "aria-controls"):
            assert attributes.get(reference, ids[0]) in ids
        if attributes.get("href", "").startswith("#"):
            assert attributes["href"][1:] in ids


def test_all_that_the_page_names_lies_in_its_folder_and_nothing_else(whole):
    named = {attributes.get("src") or attributes.get("href") for _, attributes in whole.elements}
    named |= {name for source, picture, *_ in whole.data["sounds"] for name in (source, picture)}
    named = {name for name in named if name and name[0] != "#" and name != "data:,"}
    there = {
        path.relative_to(whole.folder).as_posix()
        for path in whole.folder.rglob("*")
        if path.is_file()
    }
    assert named | {"index.html"} == there


def test_nothing_is_loaded_from_elsewhere_and_nothing_that_a_page_from_disk_may_not(whole):
    for tag, attributes in whole.elements:
        for name in ("src", "href", "srcset", "action"):
            assert not re.match(r"\w+:(?!,$)|//", attributes.get(name, "")), tag
        assert attributes.get("type") != "module"
    for name in ("page.css", "page.js", "pictures.js", "player.js", "charts.js"):
        text = (whole.folder / "assets" / name).read_text()
        assert not re.search(r"https?:|url\(|@import|fetch\(|XMLHttpRequest|\bimport\b", text)


def test_hostile_texts_stay_texts(tmp_path):
    harmless = Page(write_page(tmp_path / "harmless", contents()))
    hostile = Page(write_page(tmp_path / "hostile", contents(HOSTILE)))
    assert [tag for tag, _ in hostile.elements] == [tag for tag, _ in harmless.elements]
    for (_, attributes), (_, expected) in zip(hostile.elements, harmless.elements, strict=True):
        assert attributes.keys() == expected.keys()
    for tag in ("h1", "h3", "dt", "dd", "option", "figcaption", "th", "li", "title"):
        count = " ".join(harmless.texts.get(tag, ())).count("dog")
        assert " ".join(hostile.texts.get(tag, ())).count(HOSTILE) == count
    assert not set("<>&\u2028") & set(hostile.data_text)
    assert hostile.data["sounds"][0][2:] == [HOSTILE, HOSTILE]
    assert hostile.data["points"][0]["labels"][0]["names"] == [HOSTILE, "cat"]
    assert harmless.texts["script"][0] == hostile.texts["script"][0]


def test_file_names_that_are_no_text_are_shown_with_question_marks(tmp_path):
    name = b"\xff.wav".decode(errors="surrogateescape")
    written = Page(write_page(tmp_path / "page", contents(name)))
    assert written.data["sounds"][0][2] == "?.wav"
    assert "?.wav" in written.texts["h1"]


def test_sounds_are_kept_as_16_bits_and_clipped(tmp_path):
    audio = np.array([0.0, 0.5, -0.25, 1.0, -1.0, 1.5, -7.0])
    written = Page(write_page(tmp_path / "page", of_sounds(sound(audio=audio))))
    ((source, *_),) = written.data["sounds"]
    samples, rate = soundfile.read(written.folder / source, dtype="int16")
    assert rate == RATE_HZ
    np.testing.assert_array_equal(samples, [0, 16384, -8192, 32767, -32768, 32767, -32768])


def test_a_small_page_has_the_same_sounds_as_flac(tmp_path):
    sounds = [Sound(f"s{i}", np.float32([i, -i, 0]) / 4) for i in range(1, 3)]
    contents = PageContents("t", 8000, classes=[ClassSounds("c", generated=sounds)])
    found = []
    for name, small in (("plain", False), ("small", True)):
        write_page(tmp_path / name, contents, small)
        files = [*(tmp_path / name / "sounds").iterdir(), *(tmp_path / name / "rows").iterdir()]
        assert {file.suffix for file in files} == {".flac" if small else ".wav"}
        found.append({file.stem: soundfile.read(file, dtype="int16")[0].tolist() for file in files})
    assert found[0] == found[1]


def test_equal_sounds_are_written_once_and_each_name_is_kept(tmp_path):
    written = Page(
        write_page(tmp_path / "page", of_sounds(sound("a"), sound("a"), sound("b"), sound("c", 1)))
    )
    assert [name for *_, name, _ in written.data["sounds"]] == ["a", "b", "c"]
    buttons = [a["data-sound"] for a in written.of("button") if "data-sound" in a]
    assert buttons == ["0", "0", "1", "2"]
    assert len(list((written.folder / "sounds").iterdir())) == 2
    assert len(list((written.folder / "pictures").iterdir())) == 2


def pictures(written):
    return [
        np.asarray(Image.open(written.folder / image["src"]).convert("RGB"), int)
        for image in written.of("img")
        if image.get("src")
    ]


def test_low_frequencies_are_at_the_bottom_and_louder_is_brighter(tmp_path):
    spectrogram = np.full((BINS, FRAMES), -1.0)
    spectrogram[1, 3:5] = 0.0, 1.0
    written = Page(write_page(tmp_path / "page", of_sounds(sound(spectrogram=spectrogram))))
    (picture,) = pictures(written)
    assert picture.shape == (BINS, FRAMES, 3)
    brightness = picture.sum(axis=2)
    assert brightness[-2, 4] > 600 > brightness[-2, 3] > 200  # of 3 × 255
    brightness[-2, 3:5] = 0
    assert brightness.max() < 10


def test_pictures_are_taken_as_they_are(tmp_path):
    colours = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    Image.fromarray(colours[::-1].copy()).save(tmp_path / "picture.png")
    sounds = sound(spectrogram=colours), sound(spectrogram=tmp_path / "picture.png")
    written = Page(write_page(tmp_path / "page", of_sounds(*sounds)))
    np.testing.assert_array_equal(pictures(written), [colours, colours[::-1]])


def test_a_sound_without_picture_shows_its_name(tmp_path):
    written = Page(write_page(tmp_path / "page", of_sounds(sound("a bark", spectrogram=None))))
    assert "a bark" in written.texts["span"]
    assert written.data["sounds"][0][1] == ""


@pytest.mark.parametrize(
    "spectrogram",
    [np.zeros((2, 2), int), np.zeros((2, 2, 3)), np.full((2, 2), np.nan), np.zeros(4)],
    ids=["int", "float colours", "nan", "line"],
)
def test_what_is_no_spectrogram_is_named(tmp_path, spectrogram):
    with pytest.raises(ValueError, match="spectrogram of sound 'a bark' must be"):
        write_page(tmp_path / "page", of_sounds(sound("a bark", spectrogram=spectrogram)))


def test_a_file_that_is_no_png_is_named(tmp_path):
    (tmp_path / "a.gif").write_bytes(b"GIF89a")
    with pytest.raises(ValueError, match=r"a\.gif of sound 'a bark' is no PNG"):
        write_page(tmp_path / "page", of_sounds(sound("a bark", spectrogram=tmp_path / "a.gif")))


def test_a_page_is_replaced_whole(tmp_path):
    index = write_page(tmp_path / "new" / "page", of_sounds(sound("old", 1)))
    assert index == tmp_path / "new" / "page" / "index.html"
    assert write_page(index.parent, of_sounds(sound("new", 2))) == index
    assert [entry[2] for entry in Page(index).data["sounds"]] == ["new"]
    assert len(list((index.parent / "sounds").iterdir())) == 1
    assert [path.name for path in index.parent.parent.iterdir()] == ["page"]


def test_a_failure_leaves_the_old_page_and_nothing_else(tmp_path):
    index = write_page(tmp_path / "page", of_sounds(sound("old")))
    before = index.read_bytes()
    with pytest.raises(FileNotFoundError):
        write_page(index.parent, of_sounds(sound(spectrogram=tmp_path / "missing.png")))
    assert index.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["page"]


def test_the_old_page_comes_back_where_the_new_one_cannot_take_its_place(tmp_path, monkeypatch):
    index = write_page(tmp_path / "page", of_sounds(sound("old")))
    before = index.read_bytes()
    rename = Path.rename

    def refuse(path, target):
        if Path(target).name == "page" and path.suffix != ".replaced":
            raise OSError("no")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(OSError, match="no"):
        write_page(index.parent, of_sounds(sound("new")))
    assert index.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["page"]


def test_an_empty_folder_is_taken_and_another_is_left_alone(tmp_path):
    (tmp_path / "empty").mkdir()
    assert write_page(tmp_path / "empty", of_sounds(sound())).is_file()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "index.html").write_text("<title>mine</title>")
    (tmp_path / "file").write_text("")
    for name in ("mine", "file"):
        with pytest.raises(FileExistsError, match=rf"{name} holds something else"):
            write_page(tmp_path / name, of_sounds(sound()))
    assert (tmp_path / "mine" / "index.html").read_text() == "<title>mine</title>"


def test_scores_are_written_with_their_digits_unit_spread_and_comparison(tmp_path):
    scores = [
        Score("IS", 2.7, decimals=2, deviation=0.05, yardsticks={"real test": 2.8, "train": 3}),
        Score("convergence", -2.94, "dB", 1, interval=(-3.5, -2.0)),
        Score("FD", 12345.678, decimals=1),
        Score("FD, features", None, reason="too few clips"),
    ]
    written = Page(write_page(tmp_path / "page", PageContents("scores", RATE_HZ, scores=scores)))
    # Once large, then once in the table.
    assert written.texts["strong"] == 2 * ["2.70", "−2.9\xa0dB", "12,345.7"]
    small = [" ± 0.05", " real test", " train", " −3.5 to −2.0"]
    assert written.texts["small"] == [*small, " 4", *small]
    assert "none: too few clips" in written.texts["span"]
    assert {"2.80", "3.00"} <= set(written.texts["div"])
    assert {"2.80", "3.00"} <= set(written.texts["li"])


def ids(written):
    return [attributes["id"] for attributes in written.of("section") if "id" in attributes]


def test_sounds_come_first_then_figures_and_what_only_authors_need_last(whole):
    assert ids(whole) == [
        *("sounds", "styles", "interpolations", "codes", "scores", "figures"),
        *("training", "about", "player"),
    ]


def of_scores(folder, *scores):
    return Page(write_page(folder, PageContents("scores", RATE_HZ, scores=scores)))


def test_scores_that_are_meant_to_be_large_are_and_else_the_first_six(tmp_path):
    scores = [Score(f"score {i}", None if i == 2 else i, reason="none") for i in range(9)]
    assert of_scores(tmp_path / "six", *scores).texts["strong"][:6] == [
        *("0.00", "1.00", "3.00", "4.00", "5.00", "6.00")
    ]
    for i in (1, 2, 8):  # one without a value is in the table alone
        scores[i] = dataclasses.replace(scores[i], large=True, explanation=f"what {i} says")
    written = of_scores(tmp_path / "large", *scores)
    assert written.texts["h3"] == ["score 1", "score 8"]
    assert written.texts["strong"][:2] == ["1.00", "8.00"]
    assert written.texts["p"].count("what 8 says") == 2  # where it comes from tells it, too


def test_the_table_of_scores_is_folded_grouped_and_a_table_to_every_reader(tmp_path):
    scores = [Score(name, 1.0, group=name[:3]) for name in ("abc 1", "xyz 1", "abc 2")]
    written = of_scores(tmp_path / "page", *scores)
    assert [attributes.get("open") for attributes in written.of("details")] == [None]
    heads = [text for text in written.texts["th"] if text[:3] in ("abc", "xyz")]
    assert heads == ["abc", "abc 1", "abc 2", "xyz", "xyz 1"]
    assert written.of("table")[0]["role"] == "table"
    roles = {row.get("role") for row in written.of("tr")}
    cells = {cell.get("role") for cell in written.of("td")}
    assert (roles, cells) == ({"row"}, {"cell"})


def test_curves_after_the_first_group_are_folded_and_all_are_in_words(tmp_path):
    curves = [
        Curve(name, [0], [1.0], title, group)
        for name, title, group in (
            ("loss/Cl", "C on labelled clips", "Losses"),
            ("loss/new", "", "Losses"),
            ("codes/deviation", "Standard deviation", "Codes"),
        )
    ]
    written = Page(write_page(tmp_path / "page", PageContents("run", RATE_HZ, curves=curves)))
    assert written.texts["h3"] == ["Losses"]
    assert written.texts["summary"] == ["Codes"]
    figures = ["C on labelled clips", "loss/new", "Standard deviation"]
    assert [text for text in written.texts["span"] if text in figures] == figures
    assert written.texts["code"][-2:] == ["loss/Cl", "codes/deviation"]  # names beside the words


@pytest.mark.parametrize("axis", ["linear", "log"])
def test_the_frequency_axis_is_the_one_that_the_contents_name_and_can_be_changed(tmp_path, axis):
    shown = dataclasses.replace(of_sounds(sound()), frequency_axis=axis)
    written = Page(write_page(tmp_path / "page", shown))
    assert written.of("html")[0]["data-axis"] == axis
    choices = {choice["value"]: "checked" in choice for choice in written.of("input")}
    assert choices == {"linear": axis == "linear", "log": axis == "log"}
    assert written.data["frequencies_hz"] == [50, RATE_HZ / 2]
    assert len(list((written.folder / "pictures").iterdir())) == 1  # both axes, one file


def test_a_recording_and_its_reconstruction_are_a_pair(tmp_path):
    of_class = ClassSounds("dog", *([sound(f"{kind} {i}") for i in range(2)] for kind in "abc"))
    alone = ClassSounds("cat", real=[sound("d 0")])
    written = Page(
        write_page(tmp_path / "page", PageContents("a", RATE_HZ, classes=[of_class, alone]))
    )
    pairs = {
        button["aria-label"]: button.get("data-pair")
        for button in written.of("button")
        if "data-sound" in button
    }
    assert pairs == {
        "Play a 0": "0",
        "Play a 1": "1",
        "Play b 0": "0",
        "Play b 1": "1",
        "Play c 0": None,
        "Play c 1": None,
        "Play d 0": None,
    }


def test_sounds_of_a_class_are_one_file_in_a_row_with_breaks(tmp_path):
    loud, quiet = (sound(audio=np.full(SAMPLES, level)) for level in (0.5, -0.25))
    of_class = ClassSounds("dog", real=[loud], generated=[quiet, loud])
    written = Page(write_page(tmp_path / "page", PageContents("a", RATE_HZ, classes=[of_class])))
    (link,) = (link for link in written.of("a") if "download" in link and "href" in link)
    samples, rate = soundfile.read(written.folder / link["href"], dtype="int16")
    breaks = np.zeros(RATE_HZ // 4)
    parts = [np.full(SAMPLES, 16384), breaks, np.full(SAMPLES, -8192), breaks]
    np.testing.assert_array_equal(samples, np.concatenate([*parts, np.full(SAMPLES, 16384)]))
    assert rate == RATE_HZ
    assert link["href"].endswith("dog.wav")


def test_files_in_a_row_have_safe_names_of_their_own(tmp_path):
    names = ("../../evil", "snare/rim", "snare_rim", ".", HOSTILE)
    classes = [ClassSounds(name, real=[sound()]) for name in names]
    written = Page(write_page(tmp_path / "page", PageContents("a", RATE_HZ, classes=classes)))
    rows = list((written.folder / "rows").iterdir())
    assert len(rows) == len(names)
    assert [path.name for path in tmp_path.iterdir()] == ["page"]


def test_rows_of_equal_names_are_files_of_their_own(tmp_path):
    strips = [Strip("dog", [sound(seed=1), sound(seed=2)]), Strip("dog", [sound(), sound(seed=3)])]
    shown = dataclasses.replace(of_sounds(sound(), sound(seed=3)), strips=strips)
    written = Page(write_page(tmp_path / "page", shown))
    links = [link["href"] for link in written.of("a") if "download" in link and "href" in link]
    assert len(links) == 3
    assert links[0] == links[2]  # the very sounds
    samples, _ = soundfile.read(written.folder / links[1])
    np.testing.assert_allclose(samples[:SAMPLES], sound(seed=1).audio, atol=1e-4)


def test_sounds_on_cards_are_wav_and_those_of_the_map_alone_flac(tmp_path):
    on_a_card, on_the_map = sound("a"), sound("b", 1)
    points = PointSet("z", np.zeros(2), np.ones(2), [on_a_card, on_the_map], {})
    shown = dataclasses.replace(of_sounds(on_a_card), points=[points])
    written = Page(write_page(tmp_path / "page", shown))
    assert [Path(source).suffix for source, *_ in written.data["sounds"]] == [".wav", ".flac"]
    assert written.data["points"][0]["sounds"] == [0, 1]
    for source, *_ in written.data["sounds"]:
        assert soundfile.info(written.folder / source).subtype == "PCM_16"


def test_labels_are_categories_in_class_order_or_numbers(tmp_path):
    labels = {
        "class": ["zebra", "ape", None, "owl"],
        "speaker": ["b", "b", "a", "c"],
        "pitch": np.array([1.0, np.nan, 3.0, 123456789.0]),
    }
    points = PointSet("z", np.zeros(4), np.ones(4), [sound()] * 4, labels)
    classes = [ClassSounds(name, generated=[sound()]) for name in ("zebra", "ape")]
    written = write_page(
        tmp_path / "page", PageContents("codes", RATE_HZ, classes=classes, points=[points])
    )
    assert Page(written).data["points"][0]["labels"] == [
        {"name": "class", "names": ["zebra", "ape", "owl"], "values": [0, 1, None, 2]},
        {"name": "speaker", "names": ["a", "b", "c"], "values": [1, 1, 0, 2]},
        {"name": "pitch", "values": [1.0, None, 3.0, 123460000.0]},  # five digits
    ]


@pytest.mark.parametrize("values", [["a", 1.0], [True, False], [None, 1.0]])
def test_labels_of_mixed_kinds_are_an_error(tmp_path, values):
    points = PointSet("z", np.zeros(2), np.ones(2), [sound()] * 2, {"class": values})
    with pytest.raises(ValueError, match=r"'z': labels\['class'\] must be texts and None, or"):
        write_page(tmp_path / "page", PageContents("codes", RATE_HZ, points=[points]))


def test_curves_have_gaps_where_they_are_not_finite(whole):
    assert whole.data["curves"] == [{"steps": [0, 100, 200], "values": [1.0, None, 0.33333]}]
    assert any("0.3333 at 200" in text for text in whole.texts["small"])


def test_figures_are_shown_and_linked_as_vectors(whole):
    (shown,) = (image for image in whole.of("img") if image.get("src", "").startswith("figures/"))
    assert shown["src"] == "figures/codes_by-class.png"
    assert shown["alt"] == "dog"
    size = int(shown["width"]), int(shown["height"])
    with Image.open(whole.folder / shown["src"]) as image:
        assert image.size == size == (600, 300)
    links = [link["href"] for link in whole.of("a") if "href" in link]
    links = [link for link in links if link.startswith("figures/")]
    assert links == ["figures/codes_by-class.png", "figures/codes_by-class.pdf"]
    assert (whole.folder / links[1]).read_bytes().startswith(b"%PDF")


def test_what_is_empty_is_left_out(tmp_path):
    written = Page(write_page(tmp_path / "page", PageContents("nothing yet", RATE_HZ)))
    assert written.texts["h1"] == ["nothing yet"]
    assert "h2" not in written.texts
    assert written.data["sounds"] == []
    assert not (written.folder / "figures").exists()


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Sound("a", np.zeros(3, np.int16)), "audio of sound 'a' must be float"),
        (lambda: Sound("a", np.zeros((1, 3))), r"audio of sound 'a'.*\(1, 3\)"),
        (lambda: Sound("a", np.array([np.inf])), "audio of sound 'a' holds values that are not"),
        (lambda: Score("IS", None), "score 'IS' has no value and no reason"),
        (lambda: Score("IS", np.nan), "score 'IS' holds values that are not finite"),
        (lambda: Score("IS", 1.0, better="more"), "better of score 'IS'.*'more'"),
        (lambda: Curve("loss", [1, 2], [1.0]), "curve 'loss'.*2 steps, 1 values"),
        (lambda: ClassSounds("a", [sound()], [sound()] * 2), "class 'a'.*1 real, 2 recon"),
        (lambda: StyleMatrix(["a"], ["b", "c"], [[sound()]]), "2 classes, 1 sounds"),
        (lambda: Strip("s", [sound()], ["a", "b"]), "strip 's'.*1 sounds, 2 captions"),
        (lambda: PointSet("z", [0.0], [0.0], [sound()], {"a": []}), r"1 x, 0 labels\['a'\]"),
        (lambda: PointSet("z", [np.nan], [0.0], [sound()], {}), "'z' holds coordinates"),
        (lambda: PointSet("z", [], [], [], {}), "point set 'z'.*one at least"),
        (lambda: picture("../codes"), r"name of picture '\.\./codes' must be of letters"),
        (
            lambda: PageContents("a", RATE_HZ, frequency_axis="mel"),
            "frequency_axis must be one of linear, log, got 'mel'",
        ),
        (
            lambda: PageContents("a", RATE_HZ, pictures=[picture("a"), picture("A")]),
            "pictures must have different names, got a, a",
        ),
    ],
)
def test_contents_that_do_not_fit_are_named(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_the_plotting_library_is_the_one_that_its_checksum_and_texts_name():
    digest, name = (PARTS / "SHA256SUMS").read_text().split()
    content = (PARTS / name).read_bytes()
    assert hashlib.sha256(content).hexdigest() == digest
    version = re.search(rb"Chart\.js v([\d.]+)", content).group(1).decode()
    for text in ("README.md", "index.html", "chart.LICENSE.txt"):
        assert f"Chart.js {version}" in (PARTS / text).read_text()


def test_pictures_are_small(tmp_path):
    """Noise is the worst case: a byte for each bin and frame, and a palette."""
    noise = np.random.default_rng(0).uniform(-1, 1, (256, 128))
    written = write_page(tmp_path / "page", of_sounds(sound(spectrogram=noise)))
    (picture,) = (written.parent / "pictures").iterdir()
    assert picture.stat().st_size < 256 * 128 + 3 * 256 + 400
    assert Image.open(io.BytesIO(picture.read_bytes())).size == (128, 256)
