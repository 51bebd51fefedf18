"""What is traced. A probe is a declaration: its target, its component and what its spans note.

``probe`` has the declaration, ``catalogue`` those that nutrace ships and those that users add. ``engine``
applies them through :mod:`nutrace.patching`. The wrappers that then run around the program's calls make
spans, which :mod:`nutrace.recording` writes. ``api`` has the decorator and the with-block.
"""
