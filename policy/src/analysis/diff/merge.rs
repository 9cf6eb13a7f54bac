//! Joining cells, so that a region is described with as few cells as possible.

use crate::analysis::space::Cell;

/// Joins disjoint cells that differ on one axis only, until no two cells can be joined.
pub(super) fn merge(mut cells: Vec<Cell>) -> Vec<Cell> {
    while let Some((first, second, joined)) = find_joinable(&cells) {
        cells.swap_remove(second);
        if let Some(cell) = cells.get_mut(first) {
            *cell = joined;
        }
    }
    cells
}

/// The positions of two cells that can be joined, and the joined cell.
fn find_joinable(cells: &[Cell]) -> Option<(usize, usize, Cell)> {
    cells.iter().enumerate().find_map(|(first, one)| {
        cells.iter().enumerate().skip(first + 1).find_map(|(second, two)| Some((first, second, join(one, two)?)))
    })
}

fn join(one: &Cell, two: &Cell) -> Option<Cell> {
    let mut differing = one.iter().zip(two).enumerate().filter(|(_, (one, two))| one != two);
    let (axis, (a, b)) = differing.next()?;
    let union = a.or(b);
    if differing.next().is_some() {
        return None;
    }
    let mut joined = one.clone();
    *joined.get_mut(axis)? = union;
    Some(joined)
}
