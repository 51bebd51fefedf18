"""Raw sqlite3: its connections and cursors as subclasses that record what they are asked."""
