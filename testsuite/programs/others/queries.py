"""The queries of a file by the SQLite of this Python, printed as sqlite.wat prints them."""
import pathlib
import sqlite3

connection = sqlite3.connect(":memory:")
for statement in pathlib.Path(__file__).with_suffix(".sql").read_text().split(";"):
    for row in connection.execute(statement):
        print("|".join(map(str, row)))
