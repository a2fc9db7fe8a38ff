//! The final `.config`: what the kernel's `conf` decided. Reading it only; what was wanted is elsewhere.

use std::collections::BTreeMap;

use super::value::{Symbol, Value};

/// A kernel's configuration. Symbols that are not in it are off or do not exist.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DotConfig(BTreeMap<Symbol, Value>);

impl DotConfig {
    /// Reads a `.config`.
    ///
    /// # Errors
    /// The first line that `conf` would not have written, counted from 1.
    pub fn parse(text: &str) -> Result<Self, (usize, String)> {
        let mut symbols = BTreeMap::new();
        for (index, line) in text.lines().enumerate() {
            let wrong = || (index + 1, line.to_owned());
            if let Some(comment) = line.strip_prefix('#') {
                let unset = comment
                    .strip_prefix(" CONFIG_")
                    .and_then(|rest| rest.strip_suffix(" is not set"));
                if let Some(symbol) = unset {
                    symbols.insert(symbol.parse().map_err(|_| wrong())?, Value::No);
                }
            } else if !line.is_empty() {
                let (symbol, value) = line
                    .strip_prefix("CONFIG_")
                    .and_then(|rest| rest.split_once('='))
                    .ok_or_else(wrong)?;
                let symbol = symbol.parse().map_err(|_| wrong())?;
                symbols.insert(symbol, Value::parse(value).map_err(|_| wrong())?);
            }
        }
        Ok(Self(symbols))
    }

    /// Returns the symbol's value: [`Value::No`] when it is not there.
    #[must_use]
    pub fn value(&self, symbol: &Symbol) -> &Value {
        self.0.get(symbol).unwrap_or(&Value::No)
    }

    /// Returns every symbol that is in the file with its value, sorted.
    pub fn iter(&self) -> impl Iterator<Item = (&Symbol, &Value)> {
        self.0.iter()
    }

    /// Returns the value of the symbol with this name.
    pub(super) fn named(&self, symbol: &str) -> &Value {
        symbol
            .parse()
            .map_or(&Value::No, |symbol| self.value(&symbol))
    }

    /// Returns the symbols that stand in it, sorted.
    pub fn symbols(&self) -> impl Iterator<Item = &Symbol> {
        self.0.keys()
    }

    /// Returns how many symbols are on.
    #[must_use]
    pub fn count_on(&self) -> usize {
        self.0.values().filter(|value| value.is_on()).count()
    }
}

impl From<BTreeMap<Symbol, Value>> for DotConfig {
    fn from(values: BTreeMap<Symbol, Value>) -> Self {
        Self(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_says_what_is_on_and_what_is_not() {
        let text = "#\n# Automatically generated file; DO NOT EDIT.\n#\nCONFIG_CC_VERSION_TEXT=\"gcc (D 14) \\\"x\\\"\"\n# CONFIG_OFF is not set\nCONFIG_ON=y\nCONFIG_HEX=0x100\n";
        let config = DotConfig::parse(text).unwrap();
        assert_eq!(config.named("ON"), &Value::Yes);
        assert_eq!(config.named("OFF"), &Value::No);
        assert_eq!(config.named("ABSENT"), &Value::No);
        assert_eq!(
            config.named("CC_VERSION_TEXT"),
            &Value::Text("gcc (D 14) \"x\"".into())
        );
        assert_eq!(config.count_on(), 3);
    }

    #[test]
    fn a_file_that_conf_did_not_write_is_refused_with_its_line() {
        assert_eq!(
            DotConfig::parse("CONFIG_A=y\nhello\n"),
            Err((2, "hello".to_owned()))
        );
    }
}
