//! The places of a file at which faults can be planted: all of them, by a walk over its syntax.
//!
//! Code in macros, and bodies of `macro_rules!`, are walked as far as their pieces parse. Left out:
//! what is evaluated at compile time, types and patterns, tests, messages and checks, printing, and
//! in parts that only do something better ([`Role::Improvement`]), faults by which it is left out.

use std::collections::BTreeSet;

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, Block, Expr, Pat, Stmt, Token};

use crate::area::Role;
use crate::operators;
use crate::site::{Change, Kind, Site, one_line};
use crate::source::{self, Text};

/// The places of a source. The path is that of the file in the project.
///
/// # Errors
/// A source that does not parse.
pub fn find(path: &str, source: &str, role: Role) -> Result<Vec<Site>, String> {
    let file = syn::parse_file(source).map_err(|error| format!("{path}: {error}"))?;
    let mut finder = Finder {
        path,
        text: Text(source),
        role,
        item: String::new(),
        sites: Vec::new(),
    };
    finder.visit_file(&file);
    let mut sites = finder.sites;
    sites.retain(|site| source::is_whole(&source[site.range.clone()]));
    sites.sort_by_key(|site| (site.range.start, site.range.end));
    Ok(sites)
}

struct Finder<'a> {
    path: &'a str,
    text: Text<'a>,
    role: Role,
    item: String,
    sites: Vec<Site>,
}

impl Finder<'_> {
    fn is_improvement(&self) -> bool {
        self.role == Role::Improvement
    }

    fn add(&mut self, kind: Kind, node: &impl Spanned, change: Change) {
        let range = self.text.range(node);
        if counts(&self.text.0[range.clone()]) {
            return;
        }
        let original = one_line(&self.text.0[range.clone()]);
        self.add_at(kind, range, change, original);
    }

    fn add_at(
        &mut self,
        kind: Kind,
        range: std::ops::Range<usize>,
        change: Change,
        original: String,
    ) {
        let (line, column) = self.text.position(range.start);
        self.sites.push(Site {
            file: self.path.to_owned(),
            line,
            column,
            item: self.item.clone(),
            kind,
            range,
            change,
            original,
        });
    }

    /// Another expression in place of one.
    fn other(&mut self, kind: Kind, node: &impl Spanned, other: impl Into<String>) {
        let other = other.into();
        // Two of a kind in each other's place are as before.
        if other != self.text.of(node) {
            self.add(kind, node, Change::Expr(other));
        }
    }

    /// The text of an expression with the part of one node replaced.
    fn with(&self, whole: &impl Spanned, part: &impl Spanned, new: &str) -> String {
        self.with_both(whole, [(part.span(), new), (part.span(), new)])
    }

    /// The text of an expression with two parts replaced, the earlier one first.
    fn with_both(&self, whole: &impl Spanned, parts: [(proc_macro2::Span, &str); 2]) -> String {
        let range = self.text.range(whole);
        let [a, b] = parts.map(|(span, new)| (self.text.range_of(span), new));
        let text = self.text.0;
        if a.0 == b.0 {
            return [
                &text[range.start..a.0.start],
                a.1,
                &text[a.0.end..range.end],
            ]
            .concat();
        }
        let pieces = [
            &text[range.start..a.0.start],
            a.1,
            &text[a.0.end..b.0.start],
            b.1,
            &text[b.0.end..range.end],
        ];
        pieces.concat()
    }

    // --- tokens of macros ------------------------------------------------------------------------

    /// The arms of `macro_rules!`.
    fn rules(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for at in 0..tokens.len() {
            let is_body = source::is_equals(&tokens, at);
            if let (true, Some(TokenTree::Group(body))) = (is_body, tokens.get(at + 1)) {
                self.fragment(source::plain(body.stream()));
            }
        }
    }

    /// Tokens of a macro: items, statements, expressions, or rows that have some of them.
    fn fragment(&mut self, tokens: TokenStream) {
        if tokens.is_empty() || self.parsed(&tokens) {
            return;
        }
        let rows = source::split(tokens.clone(), source::is_semicolon);
        if rows.len() > 1 {
            let outer = self.item.clone();
            for row in rows {
                if let Some(TokenTree::Ident(name)) = row.clone().into_iter().next() {
                    self.item = name.to_string();
                }
                self.fragment(row);
            }
            self.item = outer;
            return;
        }
        let sides = source::split(tokens.clone(), source::is_equals);
        if sides.len() > 1 {
            // What is defined, and its meaning.
            for side in sides.into_iter().skip(1) {
                self.fragment(side);
            }
            return;
        }
        self.groups(tokens);
    }

    /// The bodies among tokens that do not parse.
    fn groups(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for (at, token) in tokens.iter().enumerate() {
            if let (TokenTree::Ident(word), Some(TokenTree::Ident(name))) =
                (token, tokens.get(at + 1))
                && word == "fn"
            {
                self.item = name.to_string();
            }
            if let Some(body) = source::group(Some(token), Delimiter::Brace) {
                self.fragment(body.stream());
            }
        }
    }

    /// True if tokens are items, statements or expressions, which are walked.
    fn parsed(&mut self, tokens: &TokenStream) -> bool {
        if let Ok(file) = syn::parse2::<syn::File>(tokens.clone())
            && !file.items.is_empty()
        {
            self.visit_file(&file);
            return true;
        }
        if let Ok(stmts) = Block::parse_within.parse2(tokens.clone()) {
            for stmt in &stmts {
                self.visit_stmt(stmt);
            }
            return true;
        }
        let list = Punctuated::<Expr, Token![,]>::parse_terminated.parse2(tokens.clone());
        if let Ok(list) = list {
            for expr in &list {
                self.visit_expr(expr);
            }
            return true;
        }
        false
    }

    // --- functions -------------------------------------------------------------------------------

    fn function(&mut self, attrs: &[Attribute], sig: &syn::Signature, body: &Block) {
        let name = sig.ident.to_string();
        let is_text = ["fmt", "name", "list"].contains(&name.as_str());
        if is_left_out(attrs) || sig.constness.is_some() || is_text {
            return;
        }
        let outer = std::mem::replace(&mut self.item, name);
        self.early(sig, body);
        self.visit_block(body);
        self.item = outer;
    }

    /// Returns at once from a function.
    fn early(&mut self, sig: &syn::Signature, body: &Block) {
        if body.stmts.is_empty() {
            return;
        }
        let at = self.text.range_of(body.brace_token.span.open()).end;
        let results: &[&str] = match &sig.output {
            syn::ReturnType::Default => &[""],
            syn::ReturnType::Type(_, ty) => match self.text.of(&**ty) {
                "bool" => &["true", "false"],
                "u8" | "u16" | "u32" | "u64" | "i64" | "i32" | "usize" => &["0"],
                other if other.starts_with("Option<") => &["None"],
                _ => &[],
            },
        };
        for result in results {
            if self.is_improvement() && matches!(*result, "false" | "None") {
                continue;
            }
            let statement = format!("return {result};");
            let original = format!("fn {}", sig.ident);
            self.add_at(Kind::Early, at..at, Change::Entry(statement), original);
        }
    }

    // --- expressions -----------------------------------------------------------------------------

    fn binary(&mut self, expr: &syn::ExprBinary) {
        let (left, right) = (self.text.of(&*expr.left), self.text.of(&*expr.right));
        for (kind, op) in operators::others_of(&expr.op) {
            let other = if operators::assigns(&expr.op) {
                format!("{left} {op} {right}")
            } else {
                format!("({left}) {op} ({right})")
            };
            self.other(*kind, expr, other);
        }
        if matches!(expr.op, syn::BinOp::And(_) | syn::BinOp::Or(_)) {
            self.other(Kind::Logic, expr, left);
            self.other(Kind::Logic, expr, right);
        }
    }

    /// The parts of a chain of conditions with `let`: each without effect.
    fn chain(&mut self, expr: &Expr) {
        match expr {
            Expr::Binary(both) if has_let(expr) => {
                self.chain(&both.left);
                self.chain(&both.right);
            }
            Expr::Let(binding) => self.visit_expr(&binding.expr),
            other => {
                self.other(Kind::Condition, other, "true");
                self.visit_expr(other);
            }
        }
    }

    fn condition(&mut self, cond: &Expr, has_else: bool, may_be_true: bool) {
        let may_be_false = has_else || !self.is_improvement();
        if has_let(cond) {
            if may_be_false && self.is_let_first(cond) {
                let at = self.text.range(cond).start;
                let original = one_line(self.text.of(cond));
                self.add_at(Kind::Condition, at..at, Change::Never, original);
            }
            self.chain(cond);
            return;
        }
        if may_be_true {
            self.other(Kind::Condition, cond, "true");
        }
        if may_be_false {
            self.other(Kind::Condition, cond, "false");
        }
        self.visit_expr(cond);
    }

    /// True if a condition has nothing before which another one could not stand.
    fn is_let_first(&self, cond: &Expr) -> bool {
        !self.text.of(cond).contains("||")
    }

    fn literal(&mut self, expr: &syn::ExprLit) {
        match &expr.lit {
            syn::Lit::Int(int) => {
                let Ok(value) = int.base10_parse::<u128>() else {
                    return;
                };
                for other in operators::other_integers(value) {
                    self.other(Kind::Constant, expr, format!("{other}{}", int.suffix()));
                }
            }
            syn::Lit::Float(_) => {
                let other = format!("({} + 1.0)", self.text.of(expr));
                self.other(Kind::Constant, expr, other);
            }
            syn::Lit::Bool(bool) => self.other(Kind::Constant, expr, format!("{}", !bool.value)),
            _ => (),
        }
    }

    fn cast(&mut self, expr: &syn::ExprCast) {
        let (value, ty) = (self.text.of(&*expr.expr), self.text.of(&*expr.ty));
        if ["u64", "i64", "usize", "u32", "i32"].contains(&ty) {
            let other = format!("crate::mutant::narrow::<_, {ty}>({value})");
            self.other(Kind::Width, expr, other);
        }
        self.widened(expr, value, ty);
    }

    /// The other extension. The copy of the runtime compiles it only where it makes a difference.
    fn widened(&mut self, whole: &impl Spanned, value: &str, ty: &str) {
        let wide = [
            "u32", "i32", "u64", "i64", "usize", "isize", "u128", "i128", "f32", "f64",
        ];
        let is_entity = ty == "usize" && self.role != Role::Execution;
        if wide.contains(&ty) && !is_entity {
            let other = format!("crate::mutant::widen::<_, {ty}>({value})");
            self.other(Kind::Sign, whole, other);
        }
    }

    fn call(&mut self, expr: &syn::ExprCall) {
        if let Expr::Path(path) = &*expr.func {
            let name = self.text.of(path);
            let ty = name.strip_suffix("::from");
            if let (Some(ty), Some(value)) = (ty, expr.args.first()) {
                self.widened(expr, self.text.of(value), ty);
            }
            if name == "Some" && !self.is_improvement() {
                self.other(Kind::Absent, expr, "None");
            }
        }
        self.swapped(expr, &expr.args);
    }

    /// Neighbouring arguments exchanged, if they look alike.
    fn swapped(&mut self, whole: &impl Spanned, args: &Punctuated<Expr, Token![,]>) {
        let args: Vec<&Expr> = args.iter().collect();
        for pair in args.windows(2) {
            let [a, b] = [pair[0], pair[1]];
            let texts = [self.text.of(a), self.text.of(b)];
            if texts[0] == texts[1] || look(a) != look(b) {
                continue;
            }
            let other = self.with_both(whole, [(a.span(), texts[1]), (b.span(), texts[0])]);
            self.other(Kind::Swapped, whole, other);
        }
    }

    fn method(&mut self, expr: &syn::ExprMethodCall) {
        let name = expr.method.to_string();
        if let Some(other) = operators::other_method(&name) {
            let other = self.with(expr, &expr.method, other);
            self.other(Kind::Method, expr, other);
        }
        if operators::is_test(&name) {
            self.other(Kind::Negation, expr, format!("!{}", self.text.of(expr)));
        }
        let receiver = self.text.of(&*expr.receiver);
        if matches!(
            name.as_str(),
            "rev" | "filter" | "skip" | "skip_while" | "take_while"
        ) {
            self.other(Kind::Extent, expr, receiver);
        }
        if matches!(name.as_str(), "then" | "then_some") {
            let other = self.with(expr, &expr.receiver, "true");
            self.other(Kind::Condition, expr, other);
            if !self.is_improvement() {
                self.other(Kind::Absent, expr, "None");
            }
        }
        self.swapped(expr, &expr.args);
    }

    fn fields(&mut self, expr: &syn::ExprStruct) {
        let fields: Vec<&syn::FieldValue> = expr.fields.iter().collect();
        for pair in fields.windows(2) {
            let [a, b] = [pair[0], pair[1]];
            let names = [&a.member, &b.member].map(|member| self.text.of(member));
            if !names.iter().all(|name| operators::is_operand(name)) {
                continue;
            }
            let values = [self.text.of(&a.expr), self.text.of(&b.expr)];
            let new = [0, 1].map(|n| format!("{}: {}", names[n], values[1 - n]));
            let other = self.with_both(expr, [(a.span(), &new[0]), (b.span(), &new[1])]);
            self.other(Kind::Swapped, expr, other);
        }
    }

    fn tuple(&mut self, expr: &syn::ExprTuple) {
        if expr.elems.len() == 2 {
            let [a, b] = [&expr.elems[0], &expr.elems[1]];
            if look(a) == Look::Path && look(b) == Look::Path {
                let texts = [self.text.of(a), self.text.of(b)];
                self.other(Kind::Swapped, expr, format!("({}, {})", texts[1], texts[0]));
            }
        }
    }

    fn range(&mut self, expr: &syn::ExprRange) {
        if let Some(end) = &expr.end {
            let shorter = format!("({}) - 1", self.text.of(&**end));
            let other = self.with(expr, &**end, &shorter);
            self.other(Kind::Extent, expr, other);
        }
        if let Some(start) = &expr.start {
            let later = format!("({}) + 1", self.text.of(&**start));
            let other = self.with(expr, &**start, &later);
            self.other(Kind::Extent, expr, other);
        }
    }

    fn path(&mut self, expr: &syn::ExprPath) {
        let segments = &expr.path.segments;
        let (Some(last), true) = (segments.last(), segments.len() > 1) else {
            return;
        };
        if let Some(other) = operators::other_variant(&last.ident.to_string()) {
            let other = self.with(expr, &last.ident, &other);
            self.other(Kind::Variant, expr, other);
        }
    }

    /// The body of each arm in place of the one before, where they bind the same names.
    fn arms(&mut self, expr: &syn::ExprMatch) {
        for pair in expr.arms.windows(2) {
            let [a, b] = [&pair[0], &pair[1]];
            let is_alike = a.guard.is_none() && bindings(&a.pat) == bindings(&b.pat);
            let other = self.text.of(&*b.body);
            if is_alike && self.text.of(&*a.body) != other {
                self.add(Kind::ArmSwap, &*a.body, Change::Arm(other.to_owned()));
            }
        }
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_attribute(&mut self, _: &'ast Attribute) {}
    fn visit_type(&mut self, _: &'ast syn::Type) {}
    fn visit_pat(&mut self, _: &'ast Pat) {}
    fn visit_path(&mut self, _: &'ast syn::Path) {}
    fn visit_generics(&mut self, _: &'ast syn::Generics) {}
    fn visit_angle_bracketed_generic_arguments(
        &mut self,
        _: &'ast syn::AngleBracketedGenericArguments,
    ) {
    }
    fn visit_item_const(&mut self, _: &'ast syn::ItemConst) {}
    fn visit_item_static(&mut self, _: &'ast syn::ItemStatic) {}
    fn visit_item_enum(&mut self, _: &'ast syn::ItemEnum) {}
    fn visit_impl_item_const(&mut self, _: &'ast syn::ImplItemConst) {}
    fn visit_trait_item_const(&mut self, _: &'ast syn::TraitItemConst) {}
    fn visit_expr_const(&mut self, _: &'ast syn::ExprConst) {}

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_left_out(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let of = item
            .trait_
            .as_ref()
            .map(|(_, path, _)| one_line(self.text.of(path)));
        let is_aside = of.is_some_and(|of| {
            ["Display", "Debug", "Error", "Drop", "Hash", "Ord"]
                .iter()
                .any(|t| of.ends_with(t))
        });
        if !is_aside && !is_left_out(&item.attrs) {
            visit::visit_item_impl(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(&item.attrs, &item.sig, &item.block);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.function(&item.attrs, &item.sig, &item.block);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(body) = &item.default {
            self.function(&item.attrs, &item.sig, body);
        }
    }

    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        if let Some(name) = &item.ident {
            self.item = name.to_string();
            self.rules(item.mac.tokens.clone());
            self.item.clear();
        } else {
            self.visit_macro(&item.mac);
        }
    }

    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        let name = mac.path.segments.last().map(|last| last.ident.to_string());
        let name = name.unwrap_or_default();
        if name == "matches" {
            if let Ok(subject) = first_expr.parse2(mac.tokens.clone()) {
                self.visit_expr(&subject);
            }
        } else if !operators::is_message(&name) {
            self.fragment(mac.tokens.clone());
        }
    }

    fn visit_stmt(&mut self, stmt: &'ast Stmt) {
        if let Stmt::Expr(expr, semicolon) = stmt {
            let is_effect = match expr {
                Expr::MethodCall(call) => !operators::is_aside(&call.method.to_string()),
                Expr::Call(call) => !self.is_aside(&call.func),
                Expr::Assign(_) => true,
                Expr::Binary(binary) => operators::assigns(&binary.op),
                _ => false,
            };
            if is_effect && semicolon.is_some() {
                self.add(Kind::Dropped, stmt, Change::Without);
            }
        }
        visit::visit_stmt(self, stmt);
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        if let Some((_, guard)) = &arm.guard {
            self.condition(guard, true, true);
        }
        self.visit_expr(&arm.body);
    }

    fn visit_expr(&mut self, expr: &'ast Expr) {
        if !attributes(expr).is_empty() {
            return;
        }
        match expr {
            Expr::If(branch) => {
                self.condition(&branch.cond, branch.else_branch.is_some(), true);
                self.visit_block(&branch.then_branch);
                if let Some((_, other)) = &branch.else_branch {
                    self.visit_expr(other);
                }
                return;
            }
            Expr::While(repeated) => {
                self.condition(&repeated.cond, true, false);
                return self.visit_block(&repeated.body);
            }
            Expr::Call(call) if self.is_aside(&call.func) => return,
            Expr::MethodCall(call) if operators::is_aside(&call.method.to_string()) => {
                return self.visit_expr(&call.receiver);
            }
            Expr::Repeat(repeat) => return self.visit_expr(&repeat.expr),
            Expr::Unary(unary) => self.unary(unary),
            Expr::Binary(binary) => self.binary(binary),
            Expr::Lit(literal) => self.literal(literal),
            Expr::Cast(cast) => self.cast(cast),
            Expr::Call(call) => self.call(call),
            Expr::MethodCall(call) => self.method(call),
            Expr::Struct(literal) => self.fields(literal),
            Expr::Tuple(tuple) => self.tuple(tuple),
            Expr::Range(range) => self.range(range),
            Expr::Path(path) => self.path(path),
            Expr::Match(arms) => self.arms(arms),
            Expr::Macro(mac) if mac.mac.path.is_ident("matches") => {
                self.other(Kind::Negation, expr, format!("!{}", self.text.of(expr)));
            }
            _ => (),
        }
        visit::visit_expr(self, expr);
    }
}

impl Finder<'_> {
    fn unary(&mut self, expr: &syn::ExprUnary) {
        if matches!(expr.op, syn::UnOp::Not(_) | syn::UnOp::Neg(_)) {
            self.other(Kind::Negation, expr, self.text.of(&*expr.expr));
        }
    }

    fn is_aside(&self, func: &Expr) -> bool {
        let name = self.text.of(func).rsplit("::").next().unwrap_or_default();
        operators::is_aside(name)
    }
}

/// True if a text is of counters of what has run.
fn counts(text: &str) -> bool {
    text.contains(".entered[") || text.contains("proof.")
}

/// The first of several expressions, without the tokens behind it.
fn first_expr(input: ParseStream<'_>) -> syn::Result<Expr> {
    let expr = Expr::parse(input)?;
    input.parse::<TokenStream>()?;
    Ok(expr)
}

fn has_let(expr: &Expr) -> bool {
    match expr {
        Expr::Let(_) => true,
        Expr::Binary(binary) => has_let(&binary.left) || has_let(&binary.right),
        _ => false,
    }
}

fn attributes(expr: &Expr) -> &[Attribute] {
    match expr {
        Expr::Block(e) => &e.attrs,
        Expr::If(e) => &e.attrs,
        Expr::Match(e) => &e.attrs,
        Expr::MethodCall(e) => &e.attrs,
        Expr::Call(e) => &e.attrs,
        Expr::Unsafe(e) => &e.attrs,
        _ => &[],
    }
}

/// True if an item is compiled only in tests or with checks.
fn is_left_out(attrs: &[Attribute]) -> bool {
    attrs.iter().any(|attr| {
        let tokens = match &attr.meta {
            syn::Meta::List(list) => list.tokens.to_string(),
            _ => String::new(),
        };
        attr.path().is_ident("test")
            || attr.path().is_ident("cfg")
                && (tokens.contains("test") || tokens == "debug_assertions")
    })
}

/// The form of an argument: those that look alike may have one type.
#[derive(PartialEq, Eq)]
enum Look {
    Literal,
    Path,
    Reference,
    Closure,
    Call,
    Other,
}

fn look(expr: &Expr) -> Look {
    match expr {
        Expr::Lit(_) => Look::Literal,
        Expr::Path(path) if path.path.segments.len() == 1 => Look::Path,
        Expr::Reference(_) => Look::Reference,
        Expr::Closure(_) => Look::Closure,
        Expr::Call(_) | Expr::MethodCall(_) => Look::Call,
        _ => Look::Other,
    }
}

/// The names that a pattern binds.
fn bindings(pat: &Pat) -> BTreeSet<String> {
    struct Names(BTreeSet<String>);
    impl<'ast> Visit<'ast> for Names {
        fn visit_pat_ident(&mut self, pat: &'ast syn::PatIdent) {
            let name = pat.ident.to_string();
            if name.starts_with(char::is_lowercase) {
                self.0.insert(name);
            }
            visit::visit_pat_ident(self, pat);
        }
    }
    let mut names = Names(BTreeSet::new());
    names.visit_pat(pat);
    names.0
}

#[cfg(test)]
mod tests;
