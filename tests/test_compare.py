import csv
import io
import json
import re
import statistics
import subprocess
import sys
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from gaae_tf.commands import opening
from gaae_tf.evaluation.measures.quality import Scored, at_real_test_count, quality
from gaae_tf.metrics.intervals import wilson_interval
from gaae_tf.report import figures
from gaae_tf.report.compare import Run, System, read_systems, tables
from gaae_tf.report.compare.pictures import COLOURS, picture
from gaae_tf.report.compare.text import to_csv, to_latex, to_markdown

CLASSES = ("cat & dog", "50_%")
NAMES = ("quality", "class_accuracy", "classification", "representations", "reconstruction")


def share(right, clips):
    interval = list(wilson_interval(right, clips))
    return {"value": right / clips, "interval_95": interval, "clips": clips}


def probe(linear):
    found = {"linear": linear, "neighbours": linear - 0.05, "chance": 0.5, "values": 2}
    return {**found, "clips": 40, "protocol": "test"}


@pytest.fixture(scope="module")
def measured():
    """What `quality` makes of drawn logits and features, for three amounts of error."""

    def scored(name, clips, error, seed):
        rng = np.random.default_rng(seed)
        labels = np.arange(clips) % 2
        right = np.where(rng.uniform(size=clips) < error, 1 - labels, labels)
        logits = 4.0 * np.eye(2)[right] + rng.normal(size=(clips, 2))
        return Scored(name, logits, rng.normal(error, 1.0, (clips, 3)), labels)

    train, test = scored("real train", 60, 0.0, 1), scored("real test", 40, 0.0, 2)
    made = {
        error: quality(scored("generated", 80, error, 3), train, test, CLASSES)
        for error in (0.05, 0.2, 0.4)
    }
    equal = at_real_test_count(scored("generated", 80, 0.05, 3), train, test)
    return made, quality(test, train, test, CLASSES), equal


@pytest.fixture
def scores(measured):
    """Makes a run's scores: the form of evaluation.score_run, sound figures by `quality`."""
    made, real, _ = measured

    def build(error=0.05, right=36, **provenance):
        accuracy = {"value": 1.0, "interval_95": [0.91, 1.0], "correct": 40, "clips": 40}
        dataset = {"name": "notes", "path": "datasets/notes", "id": "d" * 64}
        taught = {"value": 0.8, "deviation": 0.02, "trainings": 2}
        details = {
            "samples": made[error],
            "real_test": real,
            "classifier_test_accuracy": share(right, 40),
            "simple_classifier_same_labels_accuracy": share(30, 40),
            "reconstruction": {
                "mse": {"value": 0.07 + error, "deviation": 0.01, "unit": "squared"},
                "spectral_convergence_db": {"value": -0.4, "deviation": 0.1, "unit": "dB"},
                "test_clips": 40,
            },
            "representations": {
                "guiding": {
                    "dataset": "notes",
                    "probes": {
                        "class": {c: probe(0.9 - error) for c in ("guided", "style", "both")},
                        "speaker": {c: {"reason": "few"} for c in ("guided", "style", "both")},
                    },
                }
            },
            "usefulness": {"samples": {**taught, "training_clips": 60, "test_clips": 40}},
        }
        known = {
            "scorer": {"name": "simple", "description": {"seed": 0}, "test_accuracy": accuracy},
            "samples": 80,
            "samples_are": {"vocoder": "pghi", "refine": None},
            "test_clips": 40,
            "train_clips": 60,
            "labels_of_the_run": 12,
            "seed": 5,
            "checkpoint": "latest",
            "step": 1000,
            "dataset": dataset,
            "guidance_dataset": dataset,
        }
        return json.loads(json.dumps({"details": details, "provenance": known | provenance}))

    return build


OTHER_SCORER = {"name": "wavegan", "description": {"seed": 1}, "test_accuracy": {"value": 0.95}}


def system(name, *scores):
    return System(name, tuple(Run(f"runs/{name}{i}", s) for i, s in enumerate(scores)))


def by_name(systems):
    return {table.name: table for table in tables(systems)}


def lines(table):
    return list(csv.DictReader(io.StringIO(to_csv(table))))


def line(table, row, measure):
    (found,) = [
        entry
        for entry in lines(table)
        if entry["row"] == row and entry["measure"].endswith(measure)
    ]
    return found


def test_a_row_of_runs_is_their_mean_and_sample_deviation(scores):
    runs = [scores(right=right) for right in (30, 34, 38)]
    table = by_name([system("ours", *runs)])["classification"]
    found = line(table, "ours", "classifier_test_accuracy".join(["details.", ""]))
    shares = [0.75, 0.85, 0.95]
    assert float(found["value"]) == pytest.approx(0.85)
    assert float(found["deviation"]) == pytest.approx(np.std(shares, ddof=1))
    assert statistics.stdev(shares) == pytest.approx(0.1)  # n − 1: 0.02 / 2 = 0.1²
    assert (found["deviation_is"], found["number_of_runs"], found["low"]) == ("runs", "3", "")
    assert "85.0 ± 10.0" in to_markdown(table)
    assert "sample standard deviation (n − 1)" in to_markdown(table)


def test_a_row_of_one_run_has_its_own_deviation_or_interval(scores):
    made = by_name([system("a", scores())])
    own = scores()["details"]
    found = line(made["quality"], "a", "samples.inception_score")
    expected = own["samples"]["inception_score"]
    assert float(found["deviation"]) == expected["deviation"]
    assert found["deviation_is"] == "own"
    found = line(made["classification"], "a", "details.classifier_test_accuracy")
    low, high = wilson_interval(36, 40)
    assert (float(found["low"]), float(found["high"])) == (low, high)
    assert f"90.0 ({100 * low:.1f}–{100 * high:.1f})" in to_markdown(made["classification"])


def best(table, measure):
    found = [entry for entry in lines(table) if entry["measure"].endswith(measure)]
    return [entry["row"] for entry in found if entry["best"] == "1"]


def test_the_best_is_by_each_measures_direction_and_never_real_data(scores):
    made = by_name([system("good", scores(0.05)), system("bad", scores(0.4))])
    for measure in ("class_accuracy", "samples.inception_score", "frechet_logits"):
        assert set(best(made["quality"], measure)) == {"good"}
    assert best(made["quality"], "memorisation") == []  # neither direction is better
    assert best(made["reconstruction"], "mse") == ["good"]  # 0.12 against 0.47
    assert best(made["representations"], "class.guided.linear") == ["good"]
    assert best(made["representations"], "class.style.linear") == ["bad"]  # should tell little
    text = to_markdown(made["reconstruction"])
    assert "| good | **0.1200** ± 0.0100 |" in text
    assert "mean squared error ↓" in text
    assert "class found (%) ↑" in to_markdown(made["quality"])


def test_equal_bests_are_both_marked_and_a_lone_row_is_not(scores):
    made = by_name([system("a", scores()), system("b", scores())])
    assert best(made["reconstruction"], "mse") == ["a", "b"]
    assert best(by_name([system("a", scores())])["reconstruction"], "mse") == []


@pytest.mark.parametrize(
    "differing",
    [
        {"scorer": OTHER_SCORER},
        {"samples": 90},
        {"guidance_dataset": {"name": "notes", "id": "e" * 64}},
        {"scorer": {"name": "simple", "description": {"seed": 0}, "test_accuracy": {"value": 0.5}}},
    ],
    ids=["scorer", "sounds", "data set", "same scorer trained anew"],
)
def test_rows_that_do_not_compare_stand_apart_and_nothing_is_best(scores, differing):
    table = by_name([system("a", scores(0.05)), system("b", scores(0.4, **differing))])["quality"]
    assert [[r.name for r in b.rows if not r.yardstick] for b in table.blocks] == [["a"], ["b"]]
    assert not any(int(entry["best"]) for entry in lines(table))
    text = to_markdown(table)
    assert "Blocks do not compare" in text
    assert table.blocks[0].title != table.blocks[1].title


def test_scorers_of_other_weights_and_equal_accuracy_do_not_compare(scores):
    def of_weights(digest):
        made = scores()
        made["provenance"]["scorer"]["weights_sha256"] = digest
        return made

    made = [system(str(i), of_weights(digest)) for i, digest in enumerate("aab")]
    blocks = by_name(made)["quality"].blocks
    assert [[r.name for r in b.rows if not r.yardstick] for b in blocks] == [["0", "1"], ["2"]]


def test_a_block_tells_scorer_accuracy_sounds_and_each_row_seed_vocoder_and_step(scores):
    text = to_markdown(by_name([system("a", scores())])["quality"])
    assert "100.0 % right on 40 real test clips of notes" in text
    assert "80 sounds" in text
    assert "step 1000; checkpoint latest; seed of the sounds 5; vocoder pghi" in text


def test_classification_compares_across_scorers_but_not_data_sets(scores):
    other = scores(right=20, scorer=OTHER_SCORER)
    table = by_name([system("a", scores()), system("b", other)])["classification"]
    assert len(table.blocks) == 1
    assert best(table, "details.classifier_test_accuracy") == ["a"]


def test_figures_of_other_numbers_of_clips_have_no_best(scores):
    other = scores()
    other["details"]["usefulness"]["samples"]["training_clips"] = 30
    table = by_name([system("a", scores()), system("b", other)])["classification"]
    assert best(table, "usefulness.samples") == []


def test_a_null_is_a_dash_with_its_reason_below(scores):
    lacking = scores()
    lacking["details"]["samples"]["am_score"] = {"value": None, "reason": "too | few"}
    table = by_name([system("a", scores()), system("b", lacking)])["quality"]
    assert "–<sup>1</sup>" in to_markdown(table)
    assert "- <sup>1</sup> too \\| few" in to_markdown(table)
    assert "\\textsuperscript{1} too \\textbar{} few" in to_latex(table)
    assert line(table, "b", "am_score")["reason"] == "too | few"
    grouped = by_name([system("g", scores(), lacking)])["quality"]
    assert line(grouped, "g", "am_score")["value"] == ""  # no mean of fewer runs than the row has
    assert line(grouped, "g", "am_score")["reason"] == "runs/g1: too | few"


def test_a_run_without_classifier_or_encoder_has_dashes_there(scores):
    bare = scores(0.2)
    for name in ("classifier_test_accuracy", "reconstruction", "representations", "usefulness"):
        del bare["details"][name]
    made = by_name([system("gan", bare), system("ours", scores())])
    assert set(made) == set(NAMES)
    assert line(made["reconstruction"], "gan", "mse")["reason"] == "not measured"
    assert line(made["representations"], "gan", "class.both.linear")["value"] == ""
    assert float(line(made["quality"], "gan", "class_accuracy")["value"]) > 0.5
    for table in made.values():
        figures.figure_to_rgb(picture(table))
    assert set(by_name([system("gan", bare)])) == {"quality", "class_accuracy", "classification"}


def test_scores_without_provenance_compare_with_nothing(scores):
    old, older = scores(), scores()
    del old["provenance"], older["provenance"]
    table = by_name([system("old", old), system("older", older)])["quality"]
    assert len(table.blocks) == 2
    assert "scorer unknown" in to_markdown(table)


def test_real_test_clips_and_chance_are_yardsticks(scores):
    made = by_name([system("a", scores())])
    real = scores()["details"]["real_test"]["against_real_train"]["frechet_logits"]["value"]
    found = line(made["quality"], "real test clips", "against_real_train.frechet_logits")
    assert float(found["value"]) == real
    assert found["kind"] == "yardstick"
    assert float(line(made["representations"], "chance", "class.both.linear")["value"]) == 0.5


def test_real_test_clips_stand_beside_as_many_sounds_alone_and_counts_are_told(scores, measured):
    counted = scores()
    counted["details"]["samples"]["at_real_test_count"] = measured[2]
    table = by_name([system("a", counted)])["quality"]
    found, real = line(table, "a", "at_real_test_count.inception_score"), measured[1]
    assert float(found["value"]) == measured[2]["inception_score"]["value"]
    assert found["clips"] == "40, 4 a split"
    found = line(table, "real test clips", "at_real_test_count.inception_score")
    assert float(found["value"]) == real["inception_score"]["value"]
    found = line(table, "real test clips", "at_real_test_count.against_real_train.precision")
    assert float(found["value"]) == real["against_real_train"]["precision"]["value"]
    assert found["clips"] == "40 against 60"
    assert line(table, "real test clips", "samples.inception_score")["value"] == ""
    assert line(table, "real test clips", "samples.against_real_train.precision")["value"] == ""
    text = to_markdown(table)
    part = text[text.index("Scores, as many sounds as real test clips:") :]
    assert "- clips of a, real test clips: 40, 4 a split (IS); 40 (modified IS, AM)" in part
    assert "- clips of a, real test clips: 40 against 60 (" in part
    assert "clips of a, real test clips: 40, 4 a split (IS)" in to_latex(table)
    panels = [axes for axes in picture(table).axes if axes.get_title().startswith("IS ")]
    dashed = [sum(x.get_linestyle() == "--" for x in axes.lines) for axes in panels]
    assert dashed == [0, 1]


def test_scores_of_before_show_the_real_test_clips_with_both_counts(scores):
    table = by_name([system("a", scores())])["quality"]
    text = to_markdown(table)
    assert "as many sounds as real test clips:" not in text
    assert "- clips of a: 80, 8 a split (IS); 80 (modified IS, AM)" in text
    assert "- clips of real test clips: 40, 4 a split (IS); 40 (modified IS, AM)" in text
    assert line(table, "real test clips", "samples.inception_score")["clips"] == "40, 4 a split"


@pytest.mark.parametrize(
    ("clips", "splits"),
    [(10**400, 2), (80, 0), (80, "2"), ("many", 2), ([None, 3], 2), ({}, None)],
    ids=["huge", "no splits", "text splits", "text", "list", "object"],
)
def test_numbers_of_clips_that_are_none_stop_no_table(scores, clips, splits):
    broken = scores()
    broken["details"]["samples"]["inception_score"] |= {"clips": clips, "splits": splits}
    table = by_name([system("a", broken)])["quality"]
    assert "a split" not in line(table, "a", "samples.inception_score")["clips"]
    assert "IS" in to_markdown(table)


@pytest.mark.parametrize("name", NAMES)
def test_latex_is_well_formed(scores, name):
    systems = [system(r"a_b & 5% {x}\~", scores()), system("c", scores(0.2, scorer=OTHER_SCORER))]
    text = to_latex(by_name(systems)[name])
    body = text.split("\n", 1)[1]  # after the comment
    stack = []
    for what, environment in re.findall(r"\\(begin|end)\{(\w+)\}", body):
        if what == "begin":
            stack.append(environment)
        else:
            assert stack.pop() == environment
    assert not stack
    bare = re.sub(r"\\[{}]", "", body)
    depths = np.cumsum([(c == "{") - (c == "}") for c in bare])
    assert depths.min() == 0
    assert depths[-1] == 0
    assert len(re.findall(r"(?<!\\)\$", body)) % 2 == 0
    assert not re.search(r"(?<!\\)[%#^~]", body)
    assert not set(body) & set("±−–′↑↓")
    for columns, inside in re.findall(r"\\begin\{tabular\}\{(l?r*)\}(.*?)\\end", body, re.DOTALL):
        rows = [row for row in inside.split("\n") if row.endswith(r"\\")]
        assert len(rows) >= 2
        assert {len(re.findall(r"(?<!\\)&", row)) + 1 for row in rows} == {len(columns)}
    assert r"a\_b \& 5\% \{x\}\textbackslash{}\textasciitilde{}" in body


@pytest.mark.parametrize("name", NAMES)
def test_markdown_rows_have_as_many_cells_as_their_header(scores, name):
    text = to_markdown(by_name([system("a|b", scores()), system("c", scores())])[name])
    for part in text.split("\n\n"):
        if part.startswith("|"):
            cells = {len(re.findall(r"(?<!\\)\|", row)) for row in part.splitlines()}
            assert len(cells) == 1


def test_pictures_show_each_figure_its_spread_and_the_yardstick(scores):
    runs = [scores(error) for error in (0.05, 0.2)]
    table = by_name([system("one", scores(0.4)), system("two", *runs)])["quality"]
    figure = picture(table)
    (panel,) = [axes for axes in figure.axes if axes.get_title().startswith("IS ")]
    values = [run["details"]["samples"]["inception_score"]["value"] for run in runs]
    own = scores(0.4)["details"]["samples"]["inception_score"]
    points = [bar.lines[0] for bar in panel.containers]
    assert [p.get_xdata()[0] for p in points] == pytest.approx([own["value"], np.mean(values)])
    bars = [bar.lines[2][0].get_segments()[0][:, 0] for bar in panel.containers]
    deviation = np.std(values, ddof=1)
    assert bars[0] == pytest.approx(own["value"] + own["deviation"] * np.array([-1, 1]))
    assert bars[1] == pytest.approx(np.mean(values) + deviation * np.array([-1, 1]))
    assert [p.get_color() for p in points] == list(COLOURS[:2])
    real = scores()["details"]["real_test"]["inception_score"]["value"]
    dashed = [found for found in panel.lines if found.get_linestyle() == "--"]
    assert [found.get_xdata()[0] for found in dashed] == [real]
    single = [found for found in panel.lines if found.get_alpha()]
    assert sorted(single[0].get_xdata()) == pytest.approx(sorted(values))


def test_no_title_or_name_leaves_the_picture_or_covers_another(scores):
    systems = [system("a system of a long name", scores()), system("b", scores(0.2, samples=9))]
    for table in tables(systems):
        figure = picture(table)
        figures.figure_to_rgb(figure)
        renderer = figure.canvas.get_renderer()
        texts = [*figure.texts, *(axes.title for axes in figure.axes)]
        texts += [label for axes in figure.axes for label in axes.get_yticklabels()]
        boxes = [t.get_window_extent(renderer) for t in texts if t.get_text()]
        for i, box in enumerate(boxes):
            assert 0 <= box.x0 <= box.x1 <= figure.bbox.x1, (table.name, texts[i])
            assert 0 <= box.y0 <= box.y1 <= figure.bbox.y1, (table.name, texts[i])
            assert not any(box.overlaps(other) for other in boxes[:i]), (table.name, i)


@pytest.fixture
def run_dirs(scores, tmp_path):
    for name, error in (("s0", 0.05), ("s1", 0.2), ("base", 0.4)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "scores.json").write_text(json.dumps(scores(error)))
    return tmp_path


def run(runs, out):
    return opening.run("report", [f"--runs={runs}", f"--out={out}"])


def test_command_writes_all_tables_and_pictures_and_touches_nothing_else(run_dirs, capsys):
    out = run_dirs / "deep" / "out"
    out.mkdir(parents=True)
    (out / "mine.txt").write_text("mine")
    (out / "quality.md").write_text("old")
    assert run(f"ours={run_dirs}/s0+{run_dirs}/s1,{run_dirs}/base", out) == 0
    kinds = ("md", "csv", "tex", "png", "pdf")
    names = {f"{name}.{kind}" for name in NAMES for kind in kinds}
    assert {p.name for p in out.iterdir()} == names | {"comparison.md", "mine.txt"}
    assert (out / "mine.txt").read_text() == "mine"
    assert "26 files" in capsys.readouterr().out
    text = (out / "comparison.md").read_text()
    for name in re.findall(r"\]\(([^)]+)\)", text):
        assert (out / name).is_file()
    for name in NAMES:
        assert f"]({name}.png)" in text
        assert matplotlib.image.imread(out / f"{name}.png")[..., :3].std() > 0.0
        assert (out / f"{name}.pdf").read_bytes().startswith(b"%PDF")
    rows = list(csv.DictReader(io.StringIO((out / "quality.csv").read_text())))
    assert {row["row"] for row in rows} == {"ours", "base", "real test clips"}
    assert (out / "quality.md").read_text() != "old"


def test_a_folder_is_taken_as_written_whatever_signs_are_in_it(run_dirs):
    (run_dirs / "s0").rename(run_dirs / "lr=1+decay")
    systems = read_systems([f"{run_dirs}/lr=1+decay", f"b={run_dirs}/base"])
    assert [s.name for s in systems] == ["lr=1+decay", "b"]


@pytest.mark.parametrize(
    ("runs", "message"),
    [
        ("{0}/gone", r"gone is no folder"),
        ("{0}/empty", r"python evaluate.py --run_dir=.*empty makes it"),
        ("{0}/cut", r"cut/scores.json cannot be read as JSON"),
        ("{0}/binary", r"binary/scores.json cannot be read as JSON"),
        ("{0}/list", r"list/scores.json has no object `details`"),
        ("{0}/nan", r"nan: details.samples.inception_score must be a finite number.*nan"),
        ("{0}/number", r"number: details.samples must be an object; it is 3"),
        ("{0}/bare", r"hold none of the figures"),
        ("{0}/s0,{0}/./s0", r"names .*s0 twice"),
        ("a={0}/s0+{0}/s0", r"names .*s0 twice"),
        ("a={0}/s0,a={0}/s1", r"2 rows are called 'a'; give them names"),
        ("a={0}/s0+{0}/other", r"'a' averages .*s0 and .*other, but their number of sounds"),
        ("={0}/s0", r"has no name before its ="),
        ("a={0}/s0+", r"must be folder, name=folder"),
        ("", r"names no run"),
    ],
)
def test_bad_runs_are_named_and_nothing_is_written(run_dirs, scores, capsys, runs, message):
    broken = scores()
    broken["details"]["samples"]["inception_score"]["value"] = float("nan")
    texts = {
        "cut": json.dumps(scores())[:500],
        "list": "[]",
        "nan": json.dumps(broken),
        "number": json.dumps({"details": {"samples": 3}}),
        "bare": json.dumps({"details": {}}),
        "other": json.dumps(scores(samples=81)),
    }
    for name in ("empty", "binary", *texts):
        (run_dirs / name).mkdir()
        if name in texts:
            (run_dirs / name / "scores.json").write_text(texts[name])
    (run_dirs / "binary/scores.json").write_bytes(b"\xff\xfe\x00")
    assert run(runs.format(run_dirs), run_dirs / "out") == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert re.search(message, error)
    assert not (run_dirs / "out").exists()


def test_out_that_is_a_file_is_named(run_dirs, capsys):
    (run_dirs / "out").write_text("")
    assert run(run_dirs / "s0", run_dirs / "out") == 1
    assert f"--out={run_dirs / 'out'} is no folder" in capsys.readouterr().err


def test_a_file_that_cannot_be_written_is_an_error_and_leaves_no_trace(run_dirs, capsys):
    only_reconstruction(run_dirs / "s0")
    (run_dirs / "out/comparison.md").mkdir(parents=True)  # refuses root, too
    assert run(run_dirs / "s0", run_dirs / "out") == 1
    assert "comparison.md" in capsys.readouterr().err
    assert not list((run_dirs / "out").glob(".*"))


def only_reconstruction(run_dir):
    path = run_dir / "scores.json"
    scores = json.loads(path.read_text())
    scores["details"] = {"reconstruction": scores["details"]["reconstruction"]}
    path.write_text(json.dumps(scores))


def test_command_runs_as_a_module_on_one_run_alone(run_dirs):
    only_reconstruction(run_dirs / "s0")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "gaae_tf.report",
            f"--runs={run_dirs / 's0'}",
            f"--out={run_dirs / 'out'}",
        ],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "comparison.md" in done.stdout
    assert "| s0 |" in (run_dirs / "out/comparison.md").read_text()
