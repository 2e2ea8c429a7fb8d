//! Limits, as a manifest asks for them and as a configuration sets them.

use super::{Limits, MEMORY_BYTES};
use crate::config::context::Context;
use crate::config::diagnostics::Code;
use crate::config::reader::{self, Table};

/// Reads a table of limits; what is wrong is reported and left out.
pub(crate) fn read(ctx: &mut Context, table: &Table<'_>) -> Limits {
    let unsigned = |number: i64| u32::try_from(number).ok();
    Limits {
        deadline: table.duration(ctx, "deadline"),
        memory: memory(ctx, table),
        rate: table.integer(ctx, "rate").and_then(unsigned),
        cpu: table.byte(ctx, "cpu"),
        files: table.integer(ctx, "files").and_then(unsigned),
    }
}

fn memory(ctx: &mut Context, table: &Table<'_>) -> Option<u64> {
    let text = table.text(ctx, "memory")?;
    let span = table.value_span("memory");
    let Some(bytes) = amount(text) else {
        let message = format!("{:?} is not an amount of memory", reader::shortened(text));
        ctx.report(Code::BadAmount, span, message).help("write it like \"256MiB\" or \"1GiB\"");
        return None;
    };
    if !MEMORY_BYTES.contains(&bytes) {
        let message = format!("{} is not within 16MiB to 64GiB", reader::shortened(text));
        ctx.report(Code::OutOfRange, span, message);
        return None;
    }
    Some(bytes)
}

/// Reads `256MiB` as bytes.
fn amount(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit: u64 = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        _ => return None,
    };
    let digits = digits.trim_end();
    let plain = digits.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten().map(|count: u64| count.saturating_mul(unit))
}
