"""The commands of `optilocal`, one file each."""
