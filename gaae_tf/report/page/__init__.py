"""The listening page: sounds, scores, curves and codes of a run, in one folder for any browser.

It opens from disk as well as from a web server, needs no network, and is written whole or not at
all. `contents` says what it shows, `sections` in which order; its frame, looks and behaviour lie
in `static`.
"""

from gaae_tf.report.page.contents import (
    ClassSounds,
    Curve,
    PageContents,
    Picture,
    PointSet,
    Score,
    Sound,
    Strip,
    StyleMatrix,
)
from gaae_tf.report.page.write import STATIC, write_page

__all__ = [
    "STATIC",
    "ClassSounds",
    "Curve",
    "PageContents",
    "Picture",
    "PointSet",
    "Score",
    "Sound",
    "Strip",
    "StyleMatrix",
    "write_page",
]
