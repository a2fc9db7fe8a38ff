//! Expressions over symbols, kept in one row: operands stand before their operator, so that a value needs no recursion.
//! What the symbols' values are is asked, not known.

use super::{
    model::SymbolId,
    number,
    syntax::{Relation, Type},
    tristate::Tristate,
};

/// An expression, as a part of the row of its [`Terms`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExprId {
    start: u32,
    end: u32,
}

/// One element of the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    Symbol(SymbolId),
    Not,
    And,
    Or,
    Compare(Relation, SymbolId, SymbolId),
}

/// What an expression is made of, at its top.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A symbol or constant alone.
    Symbol(SymbolId),
    /// `!…`.
    Not(ExprId),
    /// `… && …`.
    And(ExprId, ExprId),
    /// `… || …`.
    Or(ExprId, ExprId),
    /// A comparison of two symbols or constants.
    Compare(Relation, SymbolId, SymbolId),
}

/// All expressions of a model.
#[derive(Clone, Debug, Default)]
pub(super) struct Terms {
    row: Vec<Element>,
}

/// What an expression needs to know of a symbol.
pub(super) trait Reader {
    fn truth(&self, symbol: SymbolId) -> Tristate;
    fn text(&self, symbol: SymbolId) -> &str;
    fn kind(&self, symbol: SymbolId) -> Option<Type>;
}

impl Terms {
    /// Begins an expression; [`Self::finish`] ends it.
    pub(super) fn start(&self) -> u32 {
        u32::try_from(self.row.len())
            .expect("a tree of Kconfig files has less than 4,000,000,000 words")
    }

    pub(super) fn push(&mut self, element: Element) {
        self.row.push(element);
    }

    pub(super) fn finish(&self, start: u32) -> ExprId {
        ExprId {
            start,
            end: self.start(),
        }
    }

    pub(super) fn elements(&self, expr: ExprId) -> &[Element] {
        &self.row[expr.start as usize..expr.end as usize]
    }

    /// Returns the symbols of an expression, constants included.
    pub(super) fn symbols(&self, expr: ExprId) -> impl Iterator<Item = SymbolId> + '_ {
        self.elements(expr)
            .iter()
            .flat_map(|element| match *element {
                Element::Symbol(symbol) => [Some(symbol), None],
                Element::Compare(_, left, right) => [Some(left), Some(right)],
                Element::Not | Element::And | Element::Or => [None, None],
            })
            .flatten()
    }

    pub(super) fn shape(&self, expr: ExprId) -> Shape {
        let inner = ExprId {
            end: expr.end - 1,
            ..expr
        };
        match self.row[expr.end as usize - 1] {
            Element::Symbol(symbol) => Shape::Symbol(symbol),
            Element::Compare(relation, left, right) => Shape::Compare(relation, left, right),
            Element::Not => Shape::Not(inner),
            operator @ (Element::And | Element::Or) => {
                let mut missing = 1;
                let mut middle = inner.end;
                while missing > 0 {
                    middle -= 1;
                    match self.row[middle as usize] {
                        Element::Symbol(_) | Element::Compare(..) => missing -= 1,
                        Element::And | Element::Or => missing += 1,
                        Element::Not => {}
                    }
                }
                let (left, right) = (
                    ExprId {
                        end: middle,
                        ..expr
                    },
                    ExprId {
                        start: middle,
                        ..inner
                    },
                );
                if operator == Element::And {
                    Shape::And(left, right)
                } else {
                    Shape::Or(left, right)
                }
            }
        }
    }

    /// Returns the operands of `&&` at the top, in order.
    pub(super) fn conjuncts(&self, expr: ExprId) -> Vec<ExprId> {
        let (mut found, mut rest) = (Vec::new(), vec![expr]);
        while let Some(expr) = rest.pop() {
            match self.shape(expr) {
                Shape::And(left, right) => rest.extend([right, left]),
                _ => found.push(expr),
            }
        }
        found
    }

    /// Returns the value of an expression.
    pub(super) fn value(
        &self,
        expr: ExprId,
        reader: &impl Reader,
        stack: &mut Vec<Tristate>,
    ) -> Tristate {
        if let [Element::Symbol(symbol)] = self.elements(expr) {
            return reader.truth(*symbol);
        }
        stack.clear();
        for element in self.elements(expr) {
            let value = match *element {
                Element::Symbol(symbol) => reader.truth(symbol),
                Element::Compare(relation, left, right) => {
                    compare(reader, relation, left, right).into()
                }
                Element::Not => !operand(stack),
                Element::And => operand(stack).min(operand(stack)),
                Element::Or => operand(stack).max(operand(stack)),
            };
            stack.push(value);
        }
        operand(stack)
    }
}

fn operand(stack: &mut Vec<Tristate>) -> Tristate {
    stack.pop().expect("operands stand before their operator")
}

/// Compares as numbers when both are, by the type of each, and as text otherwise. Text without a type may be a number
/// in C's notation.
fn compare(reader: &impl Reader, relation: Relation, left: SymbolId, right: SymbolId) -> bool {
    let (left_kind, right_kind) = (reader.kind(left), reader.kind(right));
    let (left, right) = (reader.text(left), reader.text(right));
    let numbers = if left_kind == Some(Type::String) && right_kind == Some(Type::String) {
        None
    } else {
        number::Number::read(left, left_kind).zip(number::Number::read(right, right_kind))
    };
    let order = match numbers {
        Some((left, right)) => left.compare(right),
        None => left.as_bytes().cmp(right.as_bytes()),
    };
    match relation {
        Relation::Equal => order.is_eq(),
        Relation::Unequal => order.is_ne(),
        Relation::Less => order.is_lt(),
        Relation::AtMost => order.is_le(),
        Relation::Greater => order.is_gt(),
        Relation::AtLeast => order.is_ge(),
    }
}
