//! Turns expressions as written into rows of terms, with the meaning that conditions give to `m`.

use super::{
    model::SymbolId,
    symbols::Symbols,
    syntax::{Expr, Relation, Term},
    terms::{Element, ExprId, Terms},
};

/// Writes expressions into the row. The reader of the files keeps them from being deep.
pub(super) struct Lower<'a> {
    pub(super) symbols: &'a mut Symbols,
    pub(super) terms: &'a mut Terms,
    /// The symbol that an `m` alone also needs; nothing in values, where `m` is a value.
    pub(super) modules: Option<SymbolId>,
}

impl Lower<'_> {
    /// Writes an expression.
    pub(super) fn condition(&mut self, expr: &Expr) -> ExprId {
        let start = self.terms.start();
        self.write(expr);
        self.terms.finish(start)
    }

    /// Writes a symbol alone.
    pub(super) fn symbol(&mut self, symbol: SymbolId) -> ExprId {
        let start = self.terms.start();
        self.terms.push(Element::Symbol(symbol));
        self.terms.finish(start)
    }

    /// Writes `depends on EXPR if CONDITION`: the first, or that the second is off.
    pub(super) fn unless_off(&mut self, expr: &Expr, condition: &Expr) -> ExprId {
        let start = self.terms.start();
        self.write(expr);
        self.write_is(condition, Relation::Equal);
        self.terms.push(Element::Or);
        self.terms.finish(start)
    }

    fn write(&mut self, expr: &Expr) {
        match expr {
            Expr::Term(term) => {
                let symbol = self.symbols.term(term);
                self.terms.push(Element::Symbol(symbol));
                if let (SymbolId::MODULE, Some(modules)) = (symbol, self.modules) {
                    self.terms.push(Element::Symbol(modules));
                    self.terms.push(Element::And);
                }
            }
            Expr::Not(inner) => {
                self.write(inner);
                self.terms.push(Element::Not);
            }
            Expr::And(left, right) => self.two(left, right, Element::And),
            Expr::Or(left, right) => self.two(left, right, Element::Or),
            Expr::Compare(relation, left, right) => self.compare(*relation, left, right),
        }
    }

    fn two(&mut self, left: &Expr, right: &Expr, operator: Element) {
        self.write(left);
        self.write(right);
        self.terms.push(operator);
    }

    fn compare(&mut self, relation: Relation, left: &Term, right: &Term) {
        let (left, right) = (self.symbols.term(left), self.symbols.term(right));
        self.terms.push(Element::Compare(relation, left, right));
    }

    /// Writes that an expression is off (`Equal`) or not off (`Unequal`), symbol by symbol as `conf` does: `!A` is off
    /// where `A` is not, which for `m` differs from the value of `!A`.
    fn write_is(&mut self, expr: &Expr, relation: Relation) {
        let opposite = if relation == Relation::Equal {
            Relation::Unequal
        } else {
            Relation::Equal
        };
        match expr {
            Expr::Term(term) => {
                let symbol = self.symbols.term(term);
                self.terms
                    .push(Element::Compare(relation, symbol, SymbolId::NO));
                return;
            }
            Expr::Not(inner) => return self.write_is(inner, opposite),
            Expr::Compare(comparison, left, right) => {
                self.compare(*comparison, left, right);
                if relation == Relation::Equal {
                    self.terms.push(Element::Not);
                }
                return;
            }
            Expr::And(left, right) | Expr::Or(left, right) => {
                self.write_is(left, Relation::Equal);
                self.write_is(right, Relation::Equal);
                self.terms.push(if matches!(expr, Expr::And(..)) {
                    Element::Or
                } else {
                    Element::And
                });
            }
        }
        if relation == Relation::Unequal {
            self.terms.push(Element::Not);
        }
    }
}
