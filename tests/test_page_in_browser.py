"""The listening page in headless Chromium: Debian's packages chromium and chromium-driver."""

import contextlib
import functools
import http.server
import json
import shutil
import threading

import numpy as np
import pytest
from matplotlib.figure import Figure

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

pytest.importorskip("selenium", reason="selenium is not installed (requirements.txt has it)")

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (CHROMIUM and DRIVER),
        reason="chromium or chromedriver is missing (apt install chromium chromium-driver)",
    ),
]
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync "
    "--disable-background-networking --disable-component-update --disable-dev-shm-usage "
    "--mute-audio --window-size=1200,900 --autoplay-policy=no-user-gesture-required"
)
RATE_HZ, SECONDS, POINTS = 8000, 0.5, 60
TONE_HZ, BINS = 500, 64
LONG_CLASS, LONG_SECONDS = "class 1", 3.0
# As trainings of real data name them, and as long.
CURVES = {
    "loss/EDC": ("All that E, D and C minimise, equation (6)", "Losses"),
    "loss/sliced_wasserstein": ("Distance of the style codes from the prior", "Losses"),
    "loss/magnitude_error_of_the_reconstruction": ("", "Losses"),
    "collapse/generated_variance/electric_guitar_with_distortion": (
        "Variance of generated spectrograms, electric_guitar_with_distortion",
        "Signs of collapse",
    ),
    "collapse/saturated_steps/S_loss": ("", "Signs of collapse"),
}
HOSTILE = "</script ><img src=x onerror='window.hostile=1'>"
SEXES = ["woman", "man", None]


def sound(name, seed=0, seconds=SECONDS):
    audio = 0.1 * np.sin(2 * np.pi * (200 + 40 * seed) / RATE_HZ * np.arange(RATE_HZ * seconds))
    spectrogram = np.full((BINS, 8), -1.0)
    spectrogram[TONE_HZ * 2 * BINS // RATE_HZ] = 1.0
    spectrogram[-1] = np.random.default_rng([seed, len(name)]).uniform(-1, 1, 8)
    return Sound(name, audio, spectrogram, f"seed {seed}")


def sounds(name, count, seconds=SECONDS):
    return [sound(f"{name} {i}", i, seconds) for i in range(count)]


def class_sounds(name):
    seconds = LONG_SECONDS if name == LONG_CLASS else SECONDS
    kinds = (name, f"{name} again", f"new {name}")
    return ClassSounds(name, *(sounds(kind, 3, seconds) for kind in kinds))


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    """A page of ten classes, the first with a hostile name, and two sets of points."""
    rng = np.random.default_rng(0)
    classes = [HOSTILE] + [f"class {i}" for i in range(1, 10)]
    clips = [sound(f"clip {i}", i) for i in range(POINTS)]
    labels = {
        "sex": [SEXES[i % 3] for i in range(POINTS)],
        "class": [classes[i % 10] for i in range(POINTS)],
        "pitch": np.where(np.arange(POINTS) == 5, np.nan, np.arange(POINTS)),
    }
    provenance = {"scorer": "simple classifier, " + "a long word " * 20, "id": "0123456789" * 12}
    return write_page(
        tmp_path_factory.mktemp("page") / "report",
        PageContents(
            "A run",
            RATE_HZ,
            introduction="Recordings, and what a model makes of them: listen for " + "this " * 30,
            facts={"run": "runs/" + "long" * 40},
            scores=[
                Score("Inception Score", 2.7, deviation=0.1, provenance=provenance, group="sounds"),
                Score("Fréchet distance", None, reason="too few clips"),
                Score(
                    *("modified Inception Score", 293_241_527.0, "", 0),
                    deviation=16_101_713.0,
                    yardsticks={"as many sounds as real test (168, 16.8 a split)": 421_288_110.0},
                ),
            ],
            curves=[
                Curve(name, np.arange(50), np.where(np.arange(50) == 9, np.nan, 1e-9), *words)
                for name, words in CURVES.items()
            ],
            classes=[class_sounds(name) for name in classes],
            matrix=StyleMatrix(
                [sound("source"), "drawn"], classes, [sounds("restyled", 10), sounds("style", 10)]
            ),
            strips=[Strip("from here to there", [sound(f"step {i}", i, 0.1) for i in range(3)])],
            points=[
                PointSet(name, rng.normal(size=POINTS), rng.normal(size=POINTS), clips, labels)
                for name in ("z", "z′")
            ],
            pictures=[picture("wide", HOSTILE, (6.9, 2.0)), picture("tall", "tall", (3.0, 8.0))],
        ),
    )


def picture(name, title, inches):
    figure = Figure(figsize=inches)
    figure.subplots().plot([0, 1], [0, 1])
    return Picture(name, title, figure)


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    options = ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in FLAGS.split():
        options.add_argument(flag)
    options.add_argument(f"--user-data-dir={tmp_path_factory.mktemp('profile')}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def browser(chromium, index):
    """The page from disk, in light, at 1200 pixels; its console must stay empty."""
    emulate(chromium, "prefers-color-scheme", "light")
    chromium.get(index.as_uri())
    chromium.execute_script("localStorage.clear(); delete document.documentElement.dataset.theme")
    chromium.refresh()
    yield chromium
    assert chromium.get_log("browser") == []
    assert chromium.execute_script("return window.hostile") is None


def emulate(browser, feature, value):
    features = [{"name": feature, "value": value}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


@contextlib.contextmanager
def width(browser, pixels):
    screen = {"width": pixels, "height": 800, "deviceScaleFactor": 2, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    yield
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def one(browser, selector):
    return browser.find_element(By.CSS_SELECTOR, selector)


def every(browser, selector):
    return browser.find_elements(By.CSS_SELECTOR, selector)


def wait(browser, condition):
    return WebDriverWait(browser, 10, poll_frequency=0.02).until(lambda _: condition())


def audio(browser, name):
    return browser.execute_script(f"return document.getElementById('audio').{name}")


def play_around(browser):
    """Lets sounds begin again at their end, which may come before a slow machine's next press."""
    one(browser, "body").send_keys("l")


def playing(browser):
    """Name of the sound that is heard, or None."""
    return None if audio(browser, "paused") else one(browser, "#playing-name").text


def points(browser, plot):
    """Where the points of a plot stand, in pixels from its corner: float [points, 2]."""
    script = """return Chart.getChart(arguments[0].querySelector("canvas")).getDatasetMeta(1)
        .data.map((point) => [point.x, point.y])"""
    return np.array(browser.execute_script(script, plot))


def colours(browser, plot, of="pointBackgroundColor"):
    script = (
        f"""return Chart.getChart(arguments[0].querySelector("canvas")).data.datasets[1].{of}"""
    )
    return browser.execute_script(script, plot)


def press(browser, *keys):
    for key in keys:
        browser.switch_to.active_element.send_keys(key)


def focus_plot(browser):
    """By keyboard, from the selector before it."""
    one(browser, ".points select").send_keys(Keys.TAB)
    return browser.switch_to.active_element


def unfold(browser):
    for summary in every(browser, "summary"):
        summary.send_keys(Keys.ENTER)


def chosen(browser):
    return one(browser, ".readout").text


def test_a_sound_plays_to_its_end(browser):
    card = one(browser, ".sound")
    assert audio(browser, "preload") == "none"
    card.click()
    wait(browser, lambda: card.get_attribute("aria-pressed") == "true")
    wait(browser, lambda: audio(browser, "ended"))
    assert audio(browser, "currentTime") == pytest.approx(SECONDS, abs=0.01)
    assert audio(browser, "error") is None
    assert card.get_attribute("aria-pressed") == "false"
    assert one(browser, "#playing-name").text == f"{HOSTILE} 0"


def test_only_one_sound_is_heard_at_a_time(browser):
    browser.execute_script("""const play = HTMLMediaElement.prototype.play;
        window.players = new Set();
        HTMLMediaElement.prototype.play = function () {
            players.add(this);
            return play.call(this);
        };
    """)
    first, second = every(browser, ".sound")[:2]
    # Clear of the player, which comes up at the bottom.
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", first)
    first.click()
    wait(browser, lambda: first.get_attribute("aria-pressed") == "true")
    second.click()
    wait(browser, lambda: second.get_attribute("aria-pressed") == "true")
    assert first.get_attribute("aria-pressed") == "false"
    assert browser.execute_script("return players.size") == 1


def test_pressing_a_sound_that_plays_stops_it(browser):
    play_around(browser)
    card = one(browser, ".sound")
    card.click()
    wait(browser, lambda: audio(browser, "currentTime") > 0)
    card.click()
    assert audio(browser, "paused")
    assert not audio(browser, "ended")
    # The event that tells of the pause comes after it.
    wait(browser, lambda: card.get_attribute("aria-pressed") == "false")


def test_pictures_of_sounds_are_shown(browser):
    card = one(browser, ".sound img")
    wait(browser, lambda: card.get_property("naturalWidth") == 8)
    assert card.get_property("naturalHeight") == BINS
    assert card.size["width"] > 40


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_figures_are_shown_whole_on_white_and_lead_to_their_files(browser, index, theme):
    emulate(browser, "prefers-color-scheme", theme)
    images = every(browser, ".pictures img")
    assert len(images) == 2
    for image, shape in zip(images, (6.9 / 2.0, 3.0 / 8.0), strict=True):
        browser.execute_script("arguments[0].scrollIntoView()", image)
        wait(browser, lambda image=image: image.get_property("naturalWidth") > 0)
        width, height = (image.get_property(f"natural{side}") for side in ("Width", "Height"))
        assert width / height == pytest.approx(shape, rel=0.01)
        link = image.find_element(By.XPATH, "..")
        assert link.value_of_css_property("background-color") == "rgba(255, 255, 255, 1)"
    for link in every(browser, ".pictures a"):
        path = index.parent / link.get_dom_attribute("href")
        assert path.is_file()
        assert link.get_property("href") == path.as_uri()


def test_a_figure_opens_in_full_size_and_back_leads_to_the_page(browser):
    link = one(browser, ".pictures a")
    browser.execute_script("arguments[0].scrollIntoView()", link)
    link.click()
    wait(browser, lambda: browser.current_url.endswith("/figures/wide.png"))
    browser.back()
    wait(browser, lambda: one(browser, "h1").text == "A run")


def test_a_strip_plays_in_order(browser):
    browser.execute_script("""window.names = []; document.getElementById("audio").addEventListener(
        "playing", () => names.push(document.getElementById("playing-name").textContent))""")
    button = one(browser, ".interpolation .sequence")
    button.click()
    wait(browser, lambda: button.text == "Stop")
    wait(browser, lambda: button.text == "Play in order" and audio(browser, "ended"))
    wait(browser, lambda: len(browser.execute_script("return names")) == 3)
    assert browser.execute_script("return names") == ["step 0", "step 1", "step 2"]


def overheard(browser):
    """Notes at each beginning of a sound which elements play, and where both of them are."""
    browser.execute_script("""
        const [front, back] = document.querySelectorAll("audio");
        window.heard = [];
        for (const element of [front, back]) element.addEventListener("playing", () => {
            const paused = [front.paused, back.paused];
            heard.push([element.id, ...paused, front.currentTime, back.currentTime]);
        });
    """)
    return lambda: browser.execute_script("return heard")


def start_a_pair(browser):
    """Plays a long recording around; gives its card and that of its reconstruction."""
    play_around(browser)
    group = every(browser, ".class")[1]
    real, again = group.find_elements(By.CSS_SELECTOR, "[data-pair='0']")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", real)
    real.click()
    wait(browser, lambda: audio(browser, "currentTime") > 0.5)
    return real, again


def test_a_key_held_down_switches_to_the_reconstruction_at_the_same_place(browser):
    heard = overheard(browser)
    real, again = start_a_pair(browser)
    assert real.get_attribute("aria-pressed") == "true"
    ActionChains(browser).key_down("b").perform()
    wait(browser, lambda: again.get_attribute("aria-pressed") == "true" and len(heard()) > 1)
    assert real.get_attribute("aria-pressed") == "false"
    assert one(browser, "#playing-name").text == f"{LONG_CLASS} again 0"
    name, front_paused, back_paused, front_at, back_at = heard()[-1]
    assert (name, front_paused, back_paused) == ("counterpart", True, False)
    assert back_at == pytest.approx(front_at, abs=0.3)  # not from the beginning
    ActionChains(browser).key_up("b").perform()
    wait(browser, lambda: real.get_attribute("aria-pressed") == "true")
    wait(browser, lambda: heard()[-1][:3] == ["audio", False, True])
    assert again.get_attribute("aria-pressed") == "false"
    assert one(browser, "#playing-name").text == f"{LONG_CLASS} 0"


def test_a_button_held_down_switches_too_and_is_there_for_pairs_alone(browser):
    heard = overheard(browser)
    start_a_pair(browser)
    button = one(browser, "#other")
    assert button.text == "Hold: reconstructed B"
    ActionChains(browser).click_and_hold(button).perform()
    wait(browser, lambda: heard()[-1][0] == "counterpart")
    assert button.get_attribute("aria-pressed") == "true"
    assert button.text == "Hold: reconstructed B"
    ActionChains(browser).release().perform()
    wait(browser, lambda: heard()[-1][0] == "audio")
    assert button.get_attribute("aria-pressed") == "false"
    generated = one(browser, ".sound:not([data-pair])")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", generated)
    generated.click()
    assert not button.is_displayed()


def test_a_sound_is_repeated_until_it_is_told_not_to(browser):
    browser.execute_script("""window.ends = 0; window.rounds = 0;
        const element = document.getElementById("audio");
        element.addEventListener("ended", () => ends++);
        element.addEventListener("seeked", () => rounds++);""")
    one(browser, ".sound").click()
    loop = one(browser, "#loop")
    wait(browser, loop.is_displayed)
    loop.click()
    assert loop.get_attribute("aria-pressed") == "true"
    wait(browser, lambda: browser.execute_script("return rounds") >= 2)
    assert browser.execute_script("return ends") == 0
    assert not audio(browser, "paused")
    loop.click()
    wait(browser, lambda: browser.execute_script("return ends") == 1)
    assert audio(browser, "paused")


def test_a_repeated_sequence_begins_again_with_its_first_sound(browser):
    browser.execute_script("""window.names = []; document.getElementById("audio").addEventListener(
        "playing", () => names.push(document.getElementById("playing-name").textContent))""")
    play_around(browser)
    one(browser, ".interpolation .sequence").click()
    steps = ["step 0", "step 1", "step 2"]
    wait(browser, lambda: browser.execute_script("return names")[:5] == [*steps, *steps[:2]])


def test_a_sound_is_saved_as_a_file_that_has_its_name(browser, index):
    every(browser, ".sound")[3].click()
    save = one(browser, "#save")
    wait(browser, save.is_displayed)
    path = index.parent / save.get_dom_attribute("href")
    assert path.suffix == ".wav"
    assert path.read_bytes()[:4] == b"RIFF"
    name = save.get_dom_attribute("download")
    assert name == "_script _img src=x onerror='window.hostile=1'_ again 0.wav"


def test_the_picture_of_a_log_axis_has_its_tone_where_octaves_put_it(browser, index):
    """Read from a web server, since a browser lets no script look into files from disk."""
    rows = """
        const canvas = document.querySelector(".sound canvas");
        const pixels = canvas.getContext("2d").getImageData(0, 0, 1, canvas.height).data;
        return Array.from({length: canvas.height}, (_, row) => pixels[4 * row]);
    """
    with served(index.parent) as address:
        browser.get(address)
        one(browser, ".axis input[value='log']").send_keys(Keys.SPACE)
        wait(browser, lambda: every(browser, ".sound canvas"))
        brightness = np.array(browser.execute_script(rows))
        card = one(browser, ".sound canvas")
        assert card.is_displayed()
        assert "octave by octave" in one(browser, "#sounds .note").text
        one(browser, ".axis input[value='linear']").send_keys(Keys.SPACE)
        assert not card.is_displayed()
        assert "from 0 to 4" in one(browser, "#sounds .note").text
        browser.get("about:blank")
    bright = np.flatnonzero(brightness[2:] > 128) + 2  # the highest bin is noise
    # 50 Hz at the bottom and 4 kHz at the top, all octaves as tall: TONE_HZ's bin has these rows.
    width_hz = RATE_HZ / 2 / BINS
    ends_hz = np.array([TONE_HZ + width_hz, TONE_HZ])
    expected = BINS * np.log2(RATE_HZ / 2 / ends_hz) / np.log2(RATE_HZ / 2 / 50)
    assert [bright[0], bright[-1] + 1] == pytest.approx(expected, abs=1.0)


@pytest.mark.parametrize(("pixels", "height"), [(1200, 900), (390, 844)])
def test_the_first_sound_is_well_within_the_first_screen(browser, pixels, height):
    with width(browser, pixels):
        assert (
            one(browser, ".sound").rect["y"] + one(browser, ".sound").rect["height"] < 0.8 * height
        )


@pytest.mark.parametrize("pixels", [390, 1200])
def test_names_of_curves_stay_in_their_places(browser, pixels):
    overlaps = """
        const boxes = [...document.querySelectorAll("[data-curve] figcaption > *")].map((each) => {
            const range = document.createRange();
            range.selectNodeContents(each);
            return [...range.getClientRects()];
        });
        const meet = (a, b) => a.left < b.right - 1 && b.left < a.right - 1
            && a.top < b.bottom - 1 && b.top < a.bottom - 1;
        return boxes.flatMap((one, i) => boxes.slice(i + 1).flatMap((two) =>
            one.flatMap((a) => two.filter((b) => meet(a, b)))));
    """
    with width(browser, pixels):
        unfold(browser)
        assert len(every(browser, "[data-curve] figcaption")) == len(CURVES)
        assert browser.execute_script(overlaps) == []


def test_numbers_do_not_break_on_a_telephone(browser):
    lines = """return [...document.querySelectorAll(".tiles strong, .scores strong")].map(
        (number) => number.getClientRects().length)"""
    with width(browser, 390):
        unfold(browser)
        assert browser.execute_script(lines) == [1] * 4
        number = every(browser, ".scores strong")[1]
        assert number.text == "293,241,527"


def test_folded_curves_are_drawn_when_they_unfold(browser):
    drawn = """return [...document.querySelectorAll("[data-curve] canvas")].map(
        (canvas) => Boolean(Chart.getChart(canvas)))"""
    assert browser.execute_script(drawn) == [True] * 3 + [False] * 2
    unfold(browser)
    wait(browser, lambda: browser.execute_script(drawn) == [True] * 5)
    assert every(browser, "[data-curve] canvas")[-1].size["height"] > 100


def test_a_groups_buttons_are_reached_by_arrow_from_its_sounds(browser):
    group = every(browser, ".class")[1]
    browser.execute_script("arguments[0].focus()", group.find_element(By.CSS_SELECTOR, ".sound"))
    press(browser, Keys.ARROW_UP)
    assert browser.switch_to.active_element.text == "Play all"
    press(browser, Keys.ARROW_RIGHT)
    row = browser.switch_to.active_element
    assert row.text == "Save all"
    assert row.get_dom_attribute("href") == "rows/class 1.wav"


def test_a_point_plays_on_click(browser):
    plot = one(browser, ".plot")
    places = points(browser, plot)
    distances = np.linalg.norm(places[:, None] - places, axis=2) + 1e9 * np.eye(POINTS)
    index = int(distances.min(axis=1).argmax())  # the one that stands most alone
    x, y = places[index] - [plot.size["width"] / 2, plot.size["height"] / 2]
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", plot)
    ActionChains(browser).move_to_element_with_offset(plot, round(x), round(y)).click().perform()
    wait(browser, lambda: playing(browser) == f"clip {index}")
    assert chosen(browser).startswith(f"clip {index} · sex: ")


def test_arrow_keys_move_among_points_and_enter_plays(browser):
    plot = focus_plot(browser)
    places = points(browser, plot)
    assert chosen(browser).startswith("clip 0 · sex: woman · class: ")
    at = 0
    for key, axis, sign in (
        (Keys.ARROW_RIGHT, 0, 1),
        (Keys.ARROW_UP, 1, -1),
        (Keys.ARROW_LEFT, 0, -1),
        (Keys.ARROW_DOWN, 1, 1),
    ):
        press(browser, key)
        before, at = at, int(chosen(browser).split()[1])
        assert sign * (places[at] - places[before])[axis] > 0
    press(browser, Keys.ENTER)
    wait(browser, lambda: playing(browser) == f"clip {at}")
    assert len(every(browser, ".plot:focus-visible")) == 1


def test_every_point_can_be_reached_by_key(browser):
    focus_plot(browser)
    press(browser, Keys.END)
    assert chosen(browser).split()[1] == str(POINTS - 1)
    press(browser, Keys.HOME)
    numbers = [chosen(browser).split()[1]]
    for _ in range(POINTS - 1):
        press(browser, Keys.PAGE_DOWN)
        numbers.append(chosen(browser).split()[1])
    assert numbers == [str(i) for i in range(POINTS)]
    press(browser, Keys.PAGE_DOWN, Keys.PAGE_UP)
    assert chosen(browser).split()[1] == str(POINTS - 2)


def test_space_pauses_and_goes_on(browser):
    play_around(browser)
    focus_plot(browser)
    press(browser, Keys.SPACE)
    wait(browser, lambda: playing(browser) == "clip 0" and audio(browser, "currentTime") > 0)
    press(browser, Keys.SPACE)
    wait(browser, lambda: audio(browser, "paused"))
    at = audio(browser, "currentTime")
    assert 0 < at < SECONDS
    one(browser, "body").send_keys(Keys.SPACE)
    wait(browser, lambda: audio(browser, "currentTime") != at)


def test_arrow_keys_move_among_sounds_and_a_group_is_one_stop_of_tab(browser):
    group = one(browser, ".class")
    cards = group.find_elements(By.CSS_SELECTOR, ".sound")
    assert [card.get_property("tabIndex") for card in cards] == [0] + 8 * [-1]
    browser.execute_script("arguments[0].focus()", cards[0])
    press(browser, Keys.ARROW_RIGHT, Keys.ARROW_DOWN)
    assert browser.switch_to.active_element == cards[4]
    press(browser, Keys.ENTER)
    wait(browser, lambda: playing(browser) == f"{HOSTILE} again 1")
    press(browser, Keys.TAB)
    next_group = every(browser, ".class")[1]
    assert browser.switch_to.active_element == next_group.find_element(By.CSS_SELECTOR, ".sound")


def test_the_selector_changes_what_colours_the_points(browser):
    plot, select = one(browser, ".plot"), Select(one(browser, ".points select"))
    legend = one(browser, ".legend")
    assert [option.text for option in select.options] == ["sex", "class", "pitch"]
    by_sex = colours(browser, plot)
    assert set(by_sex[::3]) == {"#e69f00"}  # Okabe and Ito's: woman comes after man
    assert set(by_sex[1::3]) == {"#0072b2"}
    assert set(colours(browser, plot, "pointStyle")[2::3]) == {"crossRot"}
    assert legend.text.split("\n") == ["man", "woman", "not known"]

    select.select_by_visible_text("class")
    kinds = zip(colours(browser, plot), colours(browser, plot, "pointStyle"), strict=True)
    assert len(set(kinds)) == 10
    assert legend.text.split("\n")[0] == HOSTILE

    select.select_by_visible_text("pitch")
    by_pitch = colours(browser, plot)
    assert len(set(by_pitch)) > 50
    assert colours(browser, plot, "pointStyle")[4:6] == ["circle", "crossRot"]
    assert legend.text.split("\n") == ["0", "59", "not known"]
    assert colours(browser, every(browser, ".plot")[1]) == by_sex  # the other plot's is its own


def test_a_name_in_the_legend_singles_its_points_out(browser):
    plot = one(browser, ".plot")
    before = colours(browser, plot)
    man = one(browser, ".legend button")
    man.click()
    after = colours(browser, plot)
    assert after[1::3] == before[1::3]
    assert not set(after[::3]) & set(before[::3])
    man.click()
    assert colours(browser, plot) == before


def test_the_theme_follows_the_system_until_it_is_chosen(browser):
    def background():
        return browser.execute_script("return getComputedStyle(document.body).backgroundColor")

    def line():
        script = "return Chart.getChart(document.querySelector('[data-curve] canvas'))"
        return browser.execute_script(f"{script}.data.datasets[0].borderColor")

    theme = one(browser, "#theme")
    light, line_in_light = background(), line()
    assert theme.get_attribute("aria-pressed") == "false"
    emulate(browser, "prefers-color-scheme", "dark")
    wait(browser, lambda: theme.get_attribute("aria-pressed") == "true")
    dark = background()
    assert dark != light
    assert line() != line_in_light
    theme.click()
    assert (background(), line()) == (light, line_in_light)
    browser.refresh()  # the choice is kept
    assert background() == light
    one(browser, "#theme").click()
    assert background() == dark


@pytest.mark.parametrize("pixels", [320, 375, 390, 768])
def test_a_narrow_screen_is_not_scrolled_sideways(browser, pixels):
    with width(browser, pixels):
        unfold(browser)
        for button in every(browser, ".more"):
            button.send_keys(Keys.ENTER)
        card = one(browser, ".sound")
        browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", card)
        card.click()
        wait(browser, lambda: one(browser, "#player").is_displayed())
        script = "return [document.documentElement.scrollWidth, innerWidth]"
        assert browser.execute_script(script) == [pixels, pixels]
        wait(browser, lambda: one(browser, ".plot canvas").size["width"] < pixels)


def test_where_a_score_comes_from_unfolds(browser):
    unfold(browser)
    button, provenance = one(browser, ".more"), one(browser, "tr.provenance")
    assert not provenance.is_displayed()
    button.send_keys(Keys.ENTER)
    assert provenance.is_displayed()
    assert button.get_attribute("aria-expanded") == "true"
    button.send_keys(Keys.ENTER)
    assert not provenance.is_displayed()


def test_nothing_moves_where_motion_is_unwanted(browser):
    emulate(browser, "prefers-reduced-motion", "reduce")
    card = one(browser, ".sound")
    card.click()
    wait(browser, lambda: card.get_attribute("aria-pressed") == "true")
    assert one(browser, ".progress").value_of_css_property("display") == "none"
    wait(browser, lambda: audio(browser, "ended"))


def test_all_that_can_be_pressed_has_a_name(browser):
    nodes = browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    roles = ("button", "link", "combobox", "application", "group", "img", "image")
    named = [
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in nodes
        if not node["ignored"] and node["role"]["value"] in roles
    ]
    assert ("button", f"Play {HOSTILE} 0") in named
    assert {role for role, _ in named} >= {"button", "link", "combobox", "application", "group"}
    assert [role for role, name in named if not name] == []


@contextlib.contextmanager
def served(folder):
    """A web server on a folder; gives its address, and notes what it is asked."""
    asked = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format, *args):
            asked.append(args)

    handler = functools.partial(Handler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()
    statuses = {str(line[1]) for line in asked}
    assert statuses <= {"200", "206", "304"}, json.dumps(asked, default=str)


def test_the_page_is_the_same_from_a_web_server(browser, index):
    with served(index.parent) as address:
        browser.get(address)
        one(browser, ".sound").click()
        wait(browser, lambda: audio(browser, "ended"))
        browser.get("about:blank")
