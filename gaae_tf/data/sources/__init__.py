"""Where recordings come from: folders, zip and tar archives, and several of them taken as one.

Folders and zip archives are read where they are. A tar archive can only be read from end to end, so
the files wanted are unpacked first. The names in an archive are keys and never become paths.
"""

from gaae_tf.data.sources.opening import open_source
from gaae_tf.data.sources.source import Source

__all__ = ["Source", "open_source"]
