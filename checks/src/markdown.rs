//! The code in a page of Markdown or in a doc comment: fenced blocks and spans in backticks.

/// A fenced block.
#[derive(Debug, PartialEq, Eq)]
pub struct Block<'a> {
    /// The line number of the block's first line of code, from 1.
    pub line: usize,
    /// The lines of code.
    pub code: Vec<&'a str>,
}

/// The fenced blocks of a page.
pub fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (index, line) in page.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            match open.take() {
                Some(block) => blocks.push(block),
                None => open = Some(Block { line: index + 2, code: Vec::new() }),
            }
        } else if let Some(block) = &mut open {
            block.code.push(line);
        }
    }
    blocks
}

/// The spans in backticks outside fenced blocks. A span does not extend past the end of a line.
pub fn spans(page: &str) -> Vec<&str> {
    let mut fenced = false;
    let mut spans = Vec::new();
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            spans.extend(line.split('`').skip(1).step_by(2));
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_in_fences_and_backticks() {
        let page = "a `b` c `d/`\n\n```text\ne `f`\ng\n```\n`h`\n```\ni\n```";
        assert_eq!(spans(page), ["b", "d/", "h"]);
        assert_eq!(blocks(page), [Block { line: 4, code: vec!["e `f`", "g"] }, Block { line: 9, code: vec!["i"] }]);
    }
}
