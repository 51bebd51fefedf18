"""Raw sqlite3: its connections and cursors as subclasses, and from inside known query functions that record what they are asked."""
