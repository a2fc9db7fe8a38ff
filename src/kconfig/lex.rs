//! Tokens: what one file holds, statement by statement, with macros expanded on the way as the kernel's lexer does it. Which
//! statements make sense is not known here.

use std::mem;

use super::{
    error::Refusal,
    macros::{Here, Macros},
    names::Names,
    syntax::{Name, Relation},
};

/// As many tokens may a statement have.
const MOST_TOKENS: usize = 10_000;

/// A token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A word that means nothing to the language.
    Word(Name),
    /// Text in quotes.
    Quoted(String),
    /// A word of the language.
    Key(Key),
    /// A comparison. `=` also assigns.
    Relation(Relation),
    /// `:=`
    AssignSimple,
    /// `+=`
    AssignAppend,
    /// What an assignment assigns, up to the line's end.
    Value(Vec<u8>),
    /// `&&`
    And,
    /// `||`
    Or,
    /// `!`
    Not,
    /// `(`
    Open,
    /// `)`
    Close,
}

macro_rules! keys {
    ($($name:ident $text:literal)*) => {
        /// A word of the language, wherever it stands.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Key { $(#[doc = $text] $name,)* }

        impl Key {
            fn of(text: &[u8]) -> Option<Self> {
                // Symbols are in capitals and by far the most.
                if !text[0].is_ascii_lowercase() {
                    return None;
                }
                match std::str::from_utf8(text).ok()? {
                    $($text => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// Returns the word of the language that was probably meant.
            pub(super) fn nearest(text: &str) -> Option<Self> {
                let known = [$(Self::$name),*].into_iter();
                let far = |key: &Self| strsim::osa_distance(key.as_str(), text);
                known.min_by_key(far).filter(|key| far(key) <= 2 && text.len() > 3)
            }

            /// Returns it as it is written.
            pub(super) fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

keys! {
    Bool "bool" Choice "choice" Comment "comment" Config "config" DefBool "def_bool" DefTristate "def_tristate"
    Default "default" Depends "depends" EndChoice "endchoice" EndIf "endif" EndMenu "endmenu" Help "help" Hex "hex"
    If "if" Imply "imply" Int "int" MainMenu "mainmenu" Menu "menu" MenuConfig "menuconfig" Modules "modules" On "on"
    Prompt "prompt" Range "range" Select "select" Source "source" String "string" Tristate "tristate" Visible "visible"
}

/// One file, being read.
pub(super) struct Scanner {
    bytes: Vec<u8>,
    at: usize,
    line: u32,
    /// Where the line ends that was looked at last.
    end: usize,
    /// Whether a help text was read last.
    after_help: bool,
}

/// What is needed to read a statement beside the file.
pub(super) struct Desk<'a, 'o> {
    pub(super) macros: &'a mut Macros<'o>,
    pub(super) names: &'a mut Names,
    /// What the kernel's `conf` would only warn of, with its line.
    pub(super) warnings: &'a mut Vec<(u32, String)>,
    /// The file, as it was written where it is sourced.
    pub(super) file: &'a str,
}

impl Scanner {
    /// Begins a file.
    ///
    /// # Errors
    ///
    /// The line that a NUL byte stands in.
    pub(super) fn new(bytes: Vec<u8>) -> Result<Self, u32> {
        if let Some(nul) = memchr::memchr(0, &bytes) {
            let before = memchr::memchr_iter(b'\n', &bytes[..nul]).count();
            return Err(u32::try_from(before + 1).unwrap_or(u32::MAX));
        }
        Ok(Self {
            bytes,
            at: 0,
            line: 1,
            end: 0,
            after_help: false,
        })
    }

    /// Goes on where another file ended that this one sources.
    pub(super) fn go_on_after(&mut self, sourced: &Self) {
        self.after_help |= sourced.after_help;
    }

    /// Returns the line that is being read, from 1.
    pub(super) fn line(&self) -> u32 {
        self.line
    }

    /// Reads the next statement's tokens. Returns the line it begins in, or nothing at the file's end.
    pub(super) fn statement(
        &mut self,
        tokens: &mut Vec<Token>,
        desk: &mut Desk<'_, '_>,
    ) -> Result<Option<u32>, Refusal> {
        tokens.clear();
        let mut begins = self.line;
        // The kernel's lexer takes what follows such a sign as it is, but not right after a help text.
        let assigns = !mem::take(&mut self.after_help);
        while let Some(&byte) = self.bytes.get(self.at) {
            let before = tokens.len();
            let line = self.line;
            match byte {
                b' ' | b'\t' => self.at += 1,
                b'\n' => {
                    self.newline();
                    if !tokens.is_empty() {
                        return Ok(Some(begins));
                    }
                }
                b'#' => self.at = self.line_end(),
                b'\\' if self.bytes.get(self.at + 1) == Some(&b'\n') => {
                    self.at += 1;
                    self.newline();
                }
                b'"' | b'\'' => tokens.push(self.quoted(byte, desk)?),
                byte if is_word(byte) || byte == b'$' => tokens.extend(self.word(desk)?),
                _ => tokens.extend(self.sign(byte, desk)),
            }
            if before == 0 && !tokens.is_empty() {
                begins = line;
            }
            if assigns && before == 1 && tokens.len() == 2 && is_assignment(tokens) {
                tokens.push(Token::Value(self.value()));
            }
            if tokens.len() > MOST_TOKENS {
                return Err(Refusal::new(format!(
                    "a statement has more than {MOST_TOKENS} words"
                )));
            }
        }
        self.after_help = tokens.is_empty() && !assigns;
        if !tokens.is_empty() {
            let says = "the file does not end with a line's end";
            desk.warnings.push((self.line, says.to_owned()));
        }
        Ok((!tokens.is_empty()).then_some(begins))
    }

    /// Reads the help text that begins with the next line, up to where a line is indented less.
    pub(super) fn help(&mut self) -> Vec<u8> {
        self.after_help = true;
        let mut text = Vec::new();
        // The indentation of the first line, and of the line that is being read.
        let (mut first, mut indent) = (0, 0);
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b' ' | b'\t' | b'\n' => {
                    let blanks = &self.bytes[self.at..];
                    let blanks = blanks
                        .iter()
                        .take_while(|byte| matches!(byte, b' ' | b'\t'))
                        .count();
                    let after = self.at + blanks;
                    if self.bytes.get(after) == Some(&b'\n') {
                        self.at = after;
                        self.newline();
                        match self.bytes.get(self.at) {
                            Some(b' ' | b'\t' | b'\n') | None => text.push(b'\n'),
                            Some(_) => return text,
                        }
                        continue;
                    }
                    indent = width(&self.bytes[self.at..after]);
                    self.at = after;
                    if first > 0 {
                        if indent < first {
                            return text;
                        }
                        text.resize(text.len() + indent - first, b' ');
                    }
                }
                _ => {
                    let end = self.line_end();
                    text.extend_from_slice(self.bytes[self.at..end].trim_ascii_end_blanks());
                    self.at = end;
                    if first == 0 {
                        first = indent;
                    }
                }
            }
        }
        text
    }

    fn newline(&mut self) {
        self.at += 1;
        self.line = self.line.saturating_add(1);
    }

    /// Returns where the line ends that is being read.
    fn line_end(&mut self) -> usize {
        if self.end < self.at || self.end == 0 {
            let rest = &self.bytes[self.at..];
            self.end = self.at + memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        }
        self.end
    }

    fn word(&mut self, desk: &mut Desk<'_, '_>) -> Result<Option<Token>, Refusal> {
        let rest = &self.bytes[self.at..];
        let plain = rest
            .iter()
            .position(|byte| !is_word(*byte))
            .unwrap_or(rest.len());
        if rest.get(plain) != Some(&b'$') {
            let text = &rest[..plain];
            self.at += plain;
            return Ok(Some(match Key::of(text) {
                Some(key) => Token::Key(key),
                // It consists of letters, digits and the like.
                None => Token::Word(desk.names.name(str::from_utf8(text).unwrap_or_default())),
            }));
        }
        let end = self.line_end();
        let here = Here {
            file: desk.file,
            line: self.line,
        };
        let (text, taken) = desk.macros.word(&self.bytes[self.at..end], here)?;
        self.at += taken;
        match text.is_empty() {
            true => Ok(None),
            false => Ok(Some(Token::Word(desk.names.name(utf8(&text)?)))),
        }
    }

    fn quoted(&mut self, quote: u8, desk: &mut Desk<'_, '_>) -> Result<Token, Refusal> {
        self.at += 1;
        let end = self.line_end();
        let mut text = Vec::new();
        while self.at < end {
            let byte = self.bytes[self.at];
            self.at += 1;
            match byte {
                b'$' => {
                    let here = Here {
                        file: desk.file,
                        line: self.line,
                    };
                    let (expanded, taken) =
                        desk.macros.after_dollar(&self.bytes[self.at..end], here)?;
                    text.extend_from_slice(&expanded);
                    self.at += taken;
                }
                b'\\' if self.at < end => {
                    text.push(self.bytes[self.at]);
                    self.at += 1;
                }
                b'\\' => {}
                byte if byte == quote => return Ok(Token::Quoted(utf8(&text)?.to_owned())),
                byte => text.push(byte),
            }
        }
        desk.warnings.push((
            self.line,
            "the quotes are not closed on this line".to_owned(),
        ));
        Ok(Token::Quoted(utf8(&text)?.to_owned()))
    }

    fn sign(&mut self, byte: u8, desk: &mut Desk<'_, '_>) -> Option<Token> {
        let (token, taken) = match (byte, self.bytes.get(self.at + 1)) {
            (b'&', Some(b'&')) => (Token::And, 2),
            (b'|', Some(b'|')) => (Token::Or, 2),
            (b':', Some(b'=')) => (Token::AssignSimple, 2),
            (b'+', Some(b'=')) => (Token::AssignAppend, 2),
            (b'!', Some(b'=')) => (Token::Relation(Relation::Unequal), 2),
            (b'<', Some(b'=')) => (Token::Relation(Relation::AtMost), 2),
            (b'>', Some(b'=')) => (Token::Relation(Relation::AtLeast), 2),
            (b'<', _) => (Token::Relation(Relation::Less), 1),
            (b'>', _) => (Token::Relation(Relation::Greater), 1),
            (b'=', _) => (Token::Relation(Relation::Equal), 1),
            (b'!', _) => (Token::Not, 1),
            (b'(', _) => (Token::Open, 1),
            (b')', _) => (Token::Close, 1),
            _ => {
                self.at += 1;
                let shown = byte.escape_ascii();
                desk.warnings.push((
                    self.line,
                    format!("the character `{shown}` means nothing and is ignored"),
                ));
                return None;
            }
        };
        self.at += taken;
        Some(token)
    }

    fn value(&mut self) -> Vec<u8> {
        let end = self.line_end();
        let rest = &self.bytes[self.at..end];
        let blanks = rest
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'\t'))
            .count();
        let value = rest[blanks..].to_vec();
        self.at = end;
        value
    }
}

trait Blanks {
    fn trim_ascii_end_blanks(&self) -> &[u8];
}

impl Blanks for [u8] {
    fn trim_ascii_end_blanks(&self) -> &[u8] {
        let end = self.iter().rposition(|byte| !matches!(byte, b' ' | b'\t'));
        &self[..end.map_or(0, |last| last + 1)]
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

fn is_assignment(tokens: &[Token]) -> bool {
    let assigns = |token| {
        matches!(
            token,
            &Token::Relation(Relation::Equal) | &Token::AssignSimple | &Token::AssignAppend
        )
    };
    matches!(tokens, [Token::Word(_), second] if assigns(second))
}

/// Returns how wide blanks are, with tabulators every eight columns.
fn width(blanks: &[u8]) -> usize {
    blanks.iter().fold(0, |width, byte| match byte {
        b'\t' => (width & !7) + 8,
        _ => width + 1,
    })
}

fn utf8(text: &[u8]) -> Result<&str, Refusal> {
    str::from_utf8(text).map_err(|_| {
        Refusal::with_help(
            format!("`{}` is not UTF-8 text", String::from_utf8_lossy(text)),
            "help texts and comments may hold any bytes; names and quoted text may not",
        )
    })
}
