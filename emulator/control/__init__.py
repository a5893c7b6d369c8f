"""The control surface `/_emulator`: what is asked, what is set, listings, runs."""
