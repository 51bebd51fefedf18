"""Raw sqlite3: connections and cursors that record; and known query functions, traced from inside."""
