//! The keyboard's layout as the X server has it, and which keys to press for a character.
//!
//! Read through the XKB extension, because only that says which modifiers reach which level of a key: Shift on one,
//! AltGr on another, none of both on the keypad when Num Lock is on. The search does not assume; it computes what
//! each key would give with the modifiers that could be held, exactly as clients will, and takes what fits.

use x11rb::protocol::xkb::{GetMapReply, KeySymMap, KeyType};
use x11rb::protocol::xproto::ModMask;
use xkeysym::Keysym;

/// The bit of Caps Lock.
pub(super) const LOCK: u8 = 1 << 1;

/// The eight modifiers of a mask; the bits above them are buttons.
pub(super) fn mask(modifiers: ModMask) -> u8 {
    (u16::from(modifiers) & 0xFF) as u8
}

/// A key to strike, and the modifiers to hold meanwhile.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Stroke {
    /// The key's code.
    pub(super) code: u8,
    /// The modifiers that must be added to those that are on anyway.
    pub(super) modifiers: u8,
}

/// A snapshot of the layout.
#[derive(Debug, Default)]
pub(super) struct Keymap {
    first: u8,
    types: Vec<KeyType>,
    keys: Vec<KeySymMap>,
    /// By keycode: the modifiers that the key is bound to.
    modifier_map: Vec<(u8, u8)>,
    /// Keys that can be held to add a modifier: its bit, and the key's code.
    pressable: Vec<(u8, u8)>,
}

impl Keymap {
    pub(super) fn new(reply: GetMapReply) -> Keymap {
        let modifiers = reply.map.modmap_rtrn.unwrap_or_default();
        let mut keymap = Keymap {
            first: reply.first_key_sym,
            types: reply.map.types_rtrn.unwrap_or_default(),
            keys: reply.map.syms_rtrn.unwrap_or_default(),
            modifier_map: modifiers.iter().map(|entry| (entry.keycode, mask(entry.mods))).collect(),
            pressable: Vec::new(),
        };
        // The first key of each that is only held: a Caps Lock or Num Lock would stay on, and a Mode_switch
        // would change the layout.
        for held in [Keysym::Shift_L, Keysym::ISO_Level3_Shift, Keysym::ISO_Level5_Shift, Keysym::Shift_R] {
            for &(code, modifier) in &keymap.modifier_map {
                let known = keymap.pressable.iter().any(|&(bit, _)| bit == modifier);
                if modifier.count_ones() == 1 && !known && keymap.base_symbol(code, 0) == Some(held.raw()) {
                    keymap.pressable.push((modifier, code));
                }
            }
        }
        keymap
    }

    /// The modifiers that can be added by holding a key.
    pub(super) fn pressable_mask(&self) -> u8 {
        self.pressable.iter().fold(0, |mask, (bit, _)| mask | bit)
    }

    /// The keys to hold for these modifiers.
    pub(super) fn modifier_keys(&self, modifiers: u8) -> impl Iterator<Item = u8> {
        self.pressable.iter().filter(move |(bit, _)| modifiers & bit != 0).map(|(_, code)| *code)
    }

    /// Whether the key is a modifier.
    pub(super) fn is_modifier(&self, code: u8) -> bool {
        self.modifier_map.iter().any(|&(key, modifiers)| key == code && modifiers != 0)
    }

    /// All keycodes.
    fn codes(&self) -> impl Iterator<Item = u8> {
        let first = usize::from(self.first);
        (first..first + self.keys.len()).map_while(|code| u8::try_from(code).ok())
    }

    /// Codes that no key uses.
    pub(super) fn spare_codes(&self) -> impl Iterator<Item = u8> {
        self.codes().filter(|code| {
            let empty = self.key(*code).is_some_and(|key| key.syms.iter().all(|symbol| *symbol == 0));
            empty && !self.modifier_map.iter().any(|(key, _)| key == code)
        })
    }

    fn key(&self, code: u8) -> Option<&KeySymMap> {
        self.keys.get(usize::from(code.checked_sub(self.first)?))
    }

    /// What the key gives without any modifier in this group.
    pub(super) fn base_symbol(&self, code: u8, group: u8) -> Option<u32> {
        let key = self.key(code)?;
        let group = effective_group(key, group)?;
        key.syms.get(group * usize::from(key.width)).copied().filter(|symbol| *symbol != 0)
    }

    /// What the key gives in this group with these modifiers on, as clients compute it.
    fn symbol(&self, code: u8, group: u8, modifiers: u8) -> Option<u32> {
        let key = self.key(code)?;
        let group = effective_group(key, group)?;
        let key_type = self.types.get(usize::from(key.kt_index[group]))?;
        let consulted = mask(key_type.mods_mask);
        let relevant = modifiers & consulted;
        let entry = key_type.map.iter().find(|entry| entry.active && mask(entry.mods_mask) == relevant);
        let level = entry.map_or(0, |entry| usize::from(entry.level));
        if level >= usize::from(key.width) {
            return None;
        }
        let symbol =
            key.syms.get(group * usize::from(key.width) + level).copied().filter(|symbol| *symbol != 0)?;
        // Caps Lock that the key's type has no use for turns letters into capitals in the client.
        Some(if modifiers & LOCK != 0 && consulted & LOCK == 0 { capital(symbol) } else { symbol })
    }

    /// How to type `wanted` (see [`character`]) in this group while the modifiers `on` are on; the fewest additional
    /// modifiers win.
    pub(super) fn find(&self, group: u8, on: u8, wanted: impl Fn(u32) -> bool) -> Option<Stroke> {
        let count = self.pressable.len().min(8);
        let mut subsets: Vec<u8> = (0..1u16 << count)
            .map(|subset| {
                let chosen = self.pressable.iter().enumerate().filter(|(bit, _)| subset & (1 << bit) != 0);
                chosen.fold(0, |mask, (_, (modifier, _))| mask | modifier)
            })
            .collect();
        subsets.sort_by_key(|subset| subset.count_ones());
        subsets.into_iter().find_map(|modifiers| {
            let fits = |code: &u8| self.symbol(*code, group, on | modifiers).is_some_and(&wanted);
            self.codes().find(fits).map(|code| Stroke { code, modifiers })
        })
    }

    /// The key that gives this without any modifier: in the current group, or else in any other, as shortcuts of
    /// programs do when the current layout has no Latin letters.
    pub(super) fn find_base(&self, group: u8, wanted: impl Fn(u32) -> bool) -> Option<u8> {
        std::iter::once(group)
            .chain((0..4).filter(|other| *other != group))
            .find_map(|group| self.codes().find(|code| self.base_symbol(*code, group).is_some_and(&wanted)))
    }
}

/// The group that counts for a key which may have fewer than the keyboard.
fn effective_group(key: &KeySymMap, group: u8) -> Option<usize> {
    let count = key.group_info & 0x0F;
    if count == 0 {
        return None;
    }
    let group = if group < count {
        group
    } else {
        // What the XKB protocol calls out-of-range groups: redirect, clamp, or wrap.
        match key.group_info & 0xC0 {
            0x80 => Some((key.group_info >> 4) & 0x03).filter(|group| *group < count).unwrap_or(0),
            0x40 => count - 1,
            _ => group % count,
        }
    };
    Some(usize::from(group))
}

/// The character that a symbol types, where it types one; keys of the keypad don't count.
pub(super) fn character(symbol: u32) -> Option<char> {
    let keysym = Keysym::new(symbol);
    match keysym {
        Keysym::Return => Some('\n'),
        Keysym::Tab => Some('\t'),
        Keysym::Escape => Some('\u{1b}'),
        Keysym::BackSpace => Some('\u{8}'),
        _ if keysym.is_keypad_key() || keysym.is_private_keypad_key() => None,
        _ => keysym.key_char().filter(|c| !c.is_control()),
    }
}

/// The symbol that types a character.
pub(super) fn symbol_of(c: char) -> u32 {
    match u32::from(c) {
        code @ (0x20..=0x7E | 0xA0..=0xFF) => code,
        code => 0x0100_0000 | code,
    }
}

/// The capital of a letter's symbol; other symbols stay.
pub(super) fn capital(symbol: u32) -> u32 {
    let Some(c) = character(symbol) else { return symbol };
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(single), None) if single != c => symbol_of(single),
        _ => symbol,
    }
}

/// The small letter of a letter's symbol; other symbols stay.
pub(super) fn small(symbol: u32) -> u32 {
    let Some(c) = character(symbol) else { return symbol };
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(single), None) if single != c => symbol_of(single),
        _ => symbol,
    }
}

#[cfg(test)]
mod tests {
    use x11rb::protocol::xkb::{KTMapEntry, KeySymMap, KeyType};
    use x11rb::protocol::xproto::ModMask;

    use super::{Keymap, LOCK, Stroke, capital, character, small, symbol_of};

    const SHIFT: u8 = 1 << 0;
    const LEVEL3: u8 = 1 << 7;

    fn key_type(consulted: u8, levels: &[(u8, u8)]) -> KeyType {
        let map = levels.iter().map(|&(mods, level)| KTMapEntry {
            active: true,
            mods_mask: ModMask::from(mods),
            level,
            mods_mods: ModMask::from(mods),
            mods_vmods: Default::default(),
        });
        KeyType {
            mods_mask: ModMask::from(consulted),
            mods_mods: ModMask::from(consulted),
            mods_vmods: Default::default(),
            num_levels: 4,
            has_preserve: false,
            map: map.collect(),
            preserve: Vec::new(),
        }
    }

    fn key(key_type: u8, symbols: &[u32]) -> KeySymMap {
        KeySymMap {
            kt_index: [key_type; 4],
            group_info: u8::from(!symbols.is_empty()),
            width: symbols.len() as u8,
            syms: symbols.to_vec(),
        }
    }

    /// A keyboard with the keys `a`, `2` with `"` and `²`, and a spare one.
    fn keymap() -> Keymap {
        Keymap {
            first: 8,
            types: vec![
                key_type(SHIFT | LOCK, &[(SHIFT, 1), (LOCK, 1)]),
                key_type(SHIFT | LEVEL3, &[(SHIFT, 1), (LEVEL3, 2)]),
            ],
            keys: vec![key(0, &[0x61, 0x41]), key(1, &[0x32, 0x22, 0xB2]), key(0, &[])],
            modifier_map: vec![(50, SHIFT), (92, LEVEL3)],
            pressable: vec![(SHIFT, 50), (LEVEL3, 92)],
        }
    }

    fn stroke(on: u8, c: char) -> Option<Stroke> {
        keymap().find(0, on, |symbol| character(symbol) == Some(c))
    }

    #[test]
    fn levels_are_reached_with_the_modifiers_that_the_key_wants() {
        assert_eq!(stroke(0, 'a'), Some(Stroke { code: 8, modifiers: 0 }));
        assert_eq!(stroke(0, 'A'), Some(Stroke { code: 8, modifiers: SHIFT }));
        assert_eq!(stroke(0, '"'), Some(Stroke { code: 9, modifiers: SHIFT }));
        assert_eq!(stroke(0, '²'), Some(Stroke { code: 9, modifiers: LEVEL3 }));
        assert_eq!(stroke(0, 'é'), None);
    }

    #[test]
    fn caps_lock_is_made_up_for() {
        assert_eq!(stroke(LOCK, 'a'), Some(Stroke { code: 8, modifiers: SHIFT }));
        assert_eq!(stroke(LOCK, 'A'), Some(Stroke { code: 8, modifiers: 0 }));
        assert_eq!(stroke(LOCK, '2'), Some(Stroke { code: 9, modifiers: 0 }));
    }

    #[test]
    fn spare_keys_are_those_without_symbols() {
        assert_eq!(keymap().spare_codes().collect::<Vec<_>>(), [10]);
    }

    #[test]
    fn symbols_and_characters_match() {
        for c in ['a', 'é', '€', '漢', '—', '🎹', 'Ж'] {
            assert_eq!(character(symbol_of(c)), Some(c));
        }
        assert_eq!(character(0x20AC), Some('€'));
        assert_eq!(character(0xFFB1), None, "the keypad's 1");
        assert_eq!((capital(0xE9), small(0xC9)), (0xC9, 0xE9));
        assert_eq!((capital(0x31), small(0x31)), (0x31, 0x31));
        assert_eq!(capital(symbol_of('ß')), symbol_of('ß'), "two letters are no key");
    }
}
