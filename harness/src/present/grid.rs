//! Columns for the terminal: each as wide as its widest cell, two blanks apart, the first ones to
//! the left and the others to the right. Colours take no room.

use std::fmt;

use comfy_table::{CellAlignment, Table, presets};

/// A table without lines.
pub struct Grid {
    table: Table,
    /// The number of columns that are aligned to the left.
    left: usize,
}

impl Grid {
    /// A table without rows, whose first columns are aligned to the left.
    pub fn new(left: usize) -> Grid {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        Grid { table, left }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.table.add_row(cells.into_iter().collect::<Vec<_>>());
        let last = self.table.column_count() - 1;
        for (index, column) in self.table.column_iter_mut().enumerate() {
            column.set_padding((0, if index == last { 0 } else { 2 }));
            column.set_cell_alignment(match index < self.left {
                true => CellAlignment::Left,
                false => CellAlignment::Right,
            });
        }
    }
}

/// All rows, each as a line without blanks at its end.
impl fmt::Display for Grid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.table.lines();
        rows.into_iter()
            .try_for_each(|row| writeln!(f, "{}", row.trim_end()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_cells_without_colours() {
        let mut grid = Grid::new(1);
        let red = "\u{1b}[31m7\u{1b}[0m";
        grid.row(["name", "n", "last"].map(str::to_string));
        grid.row(["a", red, "1"].map(str::to_string));
        grid.row(["longer", "12345", ""].map(str::to_string));
        let expected = format!("name        n  last\na           {red}     1\nlonger  12345\n");
        assert_eq!(grid.to_string(), expected);
    }
}
