"""Corpus to data set folder: decode, resample and write all clips, and take their statistics.

`folder.prepare` does it; `commands.prepare` is its command. The folder is written under a temporary
name beside its place and renamed when it is whole; begun again, what is missing is done.
"""
