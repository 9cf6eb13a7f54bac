//! The layout of the picture, and the shapes drawn in it.

use policy::analysis::map::{Area, PolicyMap};

/// Width for all columns and height for all rows, in the picture's units; many columns or rows need more.
const WIDTH: usize = 880;
const HEIGHT: usize = 420;

/// The x coordinate of the first column, and the height for the names of columns.
pub const LEFT: usize = 150;
pub const FOOT: usize = 46;

/// Sizes in the picture's units.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    /// The number of columns.
    pub columns: usize,
    /// The number of rows.
    pub rows: usize,
    /// Width of a column.
    pub wide: usize,
    /// Height of a row.
    pub high: usize,
}

impl Layout {
    /// The layout of a map.
    pub fn of(map: &PolicyMap) -> Self {
        let (columns, rows) = (map.columns.len(), map.rows.len());
        let wide = (WIDTH / columns.max(1)).clamp(34, 160);
        Self { columns, rows, wide, high: (HEIGHT / rows.max(1)).clamp(26, 64) }
    }

    /// The left edge of a column.
    pub fn x(self, column: usize) -> usize {
        LEFT + column * self.wide
    }

    /// The upper edge of a row; rows count from below.
    pub fn y(self, row: usize) -> usize {
        (self.rows - 1 - row) * self.high
    }

    /// Width and height of the picture.
    pub fn size(self) -> (usize, usize) {
        (LEFT + self.columns * self.wide + 2, self.rows * self.high + FOOT)
    }
}

/// A rectangle of cells that one rule answers with one outcome.
#[derive(Debug, Clone, Copy)]
pub struct Block {
    /// The leftmost column of the block.
    pub column: usize,
    /// The lowest row of the block.
    pub row: usize,
    /// The number of columns.
    pub columns: usize,
    /// The number of rows.
    pub rows: usize,
}

/// Joins cells that one rule answers with one outcome: to the right first, then upwards.
pub fn blocks(map: &PolicyMap) -> Vec<Block> {
    let (columns, rows) = (map.columns.len(), map.rows.len());
    let mut taken = vec![false; columns * rows];
    let same = |a: &Area, b: &Area| a.outcome == b.outcome && a.rule == b.rule;
    let mut blocks = Vec::new();
    for row in 0..rows {
        for column in 0..columns {
            let Some(area) = map.area(column, row).filter(|_| !taken[row * columns + column]) else { continue };
            let free =
                |c: usize, r: usize| !taken[r * columns + c] && map.area(c, r).is_some_and(|other| same(area, other));
            let wide = (column..columns).take_while(|c| free(*c, row)).count();
            let high = (row..rows).take_while(|r| (column..column + wide).all(|c| free(c, *r))).count();
            for r in row..row + high {
                taken[r * columns + column..r * columns + column + wide].fill(true);
            }
            blocks.push(Block { column, row, columns: wide, rows: high });
        }
    }
    blocks
}

/// The edges between changed and unchanged cells, as an SVG path.
pub fn changed(map: &PolicyMap, layout: Layout) -> String {
    let is = |column: Option<usize>, row: Option<usize>| {
        column.zip(row).is_some_and(|(column, row)| map.area(column, row).is_some_and(Area::changed))
    };
    let mut d = String::new();
    for row in 0..layout.rows {
        for column in (0..layout.columns).filter(|column| is(Some(*column), Some(row))) {
            let (x, y, wide, high) = (layout.x(column), layout.y(row), layout.wide, layout.high);
            let mut edge = |open: bool, line: String| {
                if open {
                    d.push_str(&line);
                }
            };
            edge(!is(column.checked_sub(1), Some(row)), format!("M{x},{y}v{high}"));
            edge(!is(Some(column + 1), Some(row)), format!("M{},{y}v{high}", x + wide));
            edge(!is(Some(column), row.checked_sub(1)), format!("M{x},{}h{wide}", y + high));
            edge(!is(Some(column), Some(row + 1)), format!("M{x},{y}h{wide}"));
        }
    }
    d
}

#[cfg(test)]
mod tests {
    use policy::{
        analysis::map::{Side, View, map},
        bundle::Source,
        engine::Prepared,
    };
    use serde_json::{Map, json};

    use super::*;

    #[test]
    fn blocks_cover_every_cell_once_and_edges_close() {
        let bundle = |limit: i32| {
            let rule = json!({"id": "one", "agent": "a", "action": "b", "effect": "allow", "reason": "because it is a test",
                "conditions": {">=x": limit, "<y": 5}});
            Source::read(json!({ "rules": [rule] })).unwrap().parse_rules().bundle
        };
        let (now, then) = (bundle(3), bundle(4));
        let (draft, stable) = (Prepared::new(&now), Prepared::new(&then));
        let view = View { agent: "a", action: "b", x: "x", y: "y", fixed: &Map::new() };
        let before = Side { bundle: &then, prepared: &stable };
        let drawn = map(Side { bundle: &now, prepared: &draft }, Some(before), view).unwrap();
        let cells: usize = blocks(&drawn).iter().map(|block| block.columns * block.rows).sum();
        assert_eq!(cells, drawn.areas.len());
        // With one cell changed, the outline has four edges.
        assert_eq!(changed(&drawn, Layout::of(&drawn)).matches('M').count(), 4);
    }
}
