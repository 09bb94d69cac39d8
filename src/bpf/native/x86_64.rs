//! Programs as machine code of x86-64: what each instruction becomes, in a table as far as it goes.
//!
//! Opcodes are as in volume 2 of Intel's manual. The code is one leaf function for the calls of the System V ABI:
//!
//! | register | holds |
//! |---|---|
//! | `rdi`, `rsi` | where the packet is, and how long |
//! | `edx` | its length on the wire |
//! | `rcx`, `r8` | the caller's program and its length, until a guard has looked at them |
//! | `eax`, `ecx` | A and X, zero-extended; `rax`, the answer |
//! | `r8`, `r9` | what is needed in between |
//!
//! Scratch memory lies in the red zone, the 128 bytes below `rsp` that are the function's own.
#![forbid(unsafe_code)]

use super::{Entry, STUMBLED};
use crate::bpf::insn::{
    ABS, ADD, ALU, ALU_NEG, AND, B, DIV, H, IND, Insn, JEQ, JGE, JGT, JMP, JMP_JA, JSET, K, LD,
    LD_IMM, LD_MEM, LD_W_LEN, LDX_B_MSH, LDX_IMM, LDX_MEM, LDX_W_LEN, LSH, MEMWORDS, MISC_TAX,
    MISC_TXA, MOD, MUL, OR, RET_A, RET_K, RSH, ST, STX, SUB, W, X, XOR,
};
use crate::inline::Inline;

/// A few bytes of machine code.
type Bytes = Inline<10>;

/// What becomes of an instruction.
#[derive(Clone, Copy)]
enum Form {
    /// This.
    Plain(Bytes),
    /// This, and `k`.
    Constant(Bytes),
    /// This, and where word `k` of scratch memory is: an operand `[rsp + disp8]`.
    Word(Bytes),
    /// A shift of A by `k`: the byte that says which.
    Shift(u8),
    /// The register of the result, and the divisor's.
    Divide(Quotient, Divisor),
    /// A load of A at `k`.
    Load(Width),
    /// A load of A at X + `k`.
    Indexed(Width),
    /// The load of X.
    HeaderLen,
    /// A comparison with `k`, and the condition to jump by.
    TestConstant(u8, u8),
    /// A comparison with X, and the condition.
    TestX([u8; 2], u8),
    /// To what `k` skips to.
    Jump,
    /// The end, with `k`.
    ReturnConstant,
    /// The end, with A.
    ReturnA,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Quotient {
    Whole,
    Rest,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Divisor {
    Constant,
    X,
}

const fn code(bytes: &[u8]) -> Bytes {
    Inline::of_bytes(bytes)
}

/// A load's width.
#[derive(Clone, Copy)]
struct Width {
    bytes: u8,
    /// The load, without its operands.
    load: Bytes,
    /// What brings A from the packet's byte order into the processor's.
    swap: Bytes,
}

const BYTE: Width = Width { bytes: 1, load: code(&[0x0f, 0xb6]), swap: code(&[]) }; // movzx
const HALF: Width =
    Width { bytes: 2, load: code(&[0x0f, 0xb7]), swap: code(&[0x66, 0xc1, 0xc0, 8]) }; // movzx; rol ax, 8
const WORD: Width = Width { bytes: 4, load: code(&[0x8b]), swap: code(&[0x0f, 0xc8]) }; // mov; bswap eax

// The registers that loads are for.
const EAX: u8 = 0;
const ECX: u8 = 1;

// Conditions; the lowest bit negates one.
const BELOW: u8 = 2;
const NOT_BELOW: u8 = 3;
const EQUAL: u8 = 4;
const NOT_EQUAL: u8 = 5;
const ABOVE: u8 = 7;

/// All instructions; any other rejects the packet.
static FORMS: &[(u16, Form)] = &[
    (LD | B | ABS, Form::Load(BYTE)),
    (LD | H | ABS, Form::Load(HALF)),
    (LD | W | ABS, Form::Load(WORD)),
    (LD | B | IND, Form::Indexed(BYTE)),
    (LD | H | IND, Form::Indexed(HALF)),
    (LD | W | IND, Form::Indexed(WORD)),
    (LDX_B_MSH, Form::HeaderLen),
    (LD_IMM, Form::Constant(code(&[0xb8]))),  // mov eax, k
    (LDX_IMM, Form::Constant(code(&[0xb9]))), // mov ecx, k
    (LD_W_LEN, Form::Plain(code(&[0x89, 0xd0]))), // mov eax, edx
    (LDX_W_LEN, Form::Plain(code(&[0x89, 0xd1]))), // mov ecx, edx
    (LD_MEM, Form::Word(code(&[0x8b, 0x44, 0x24]))), // mov eax, word
    (LDX_MEM, Form::Word(code(&[0x8b, 0x4c, 0x24]))), // mov ecx, word
    (ST, Form::Word(code(&[0x89, 0x44, 0x24]))), // mov word, eax
    (STX, Form::Word(code(&[0x89, 0x4c, 0x24]))), // mov word, ecx
    (MISC_TAX, Form::Plain(code(&[0x89, 0xc1]))), // mov ecx, eax
    (MISC_TXA, Form::Plain(code(&[0x89, 0xc8]))), // mov eax, ecx
    (ALU_NEG, Form::Plain(code(&[0xf7, 0xd8]))), // neg eax
    (ALU | ADD | K, Form::Constant(code(&[0x05]))),
    (ALU | SUB | K, Form::Constant(code(&[0x2d]))),
    (ALU | MUL | K, Form::Constant(code(&[0x69, 0xc0]))), // imul eax, eax, k
    (ALU | OR | K, Form::Constant(code(&[0x0d]))),
    (ALU | AND | K, Form::Constant(code(&[0x25]))),
    (ALU | XOR | K, Form::Constant(code(&[0x35]))),
    (ALU | ADD | X, Form::Plain(code(&[0x01, 0xc8]))),
    (ALU | SUB | X, Form::Plain(code(&[0x29, 0xc8]))),
    (ALU | MUL | X, Form::Plain(code(&[0x0f, 0xaf, 0xc1]))), // imul eax, ecx
    (ALU | OR | X, Form::Plain(code(&[0x09, 0xc8]))),
    (ALU | AND | X, Form::Plain(code(&[0x21, 0xc8]))),
    (ALU | XOR | X, Form::Plain(code(&[0x31, 0xc8]))),
    (ALU | LSH | K, Form::Shift(0xe0)),
    (ALU | RSH | K, Form::Shift(0xe8)),
    // shl or shr eax, cl; cmp ecx, 31; jbe over xor eax, eax: the processor looks at the low five bits only.
    (ALU | LSH | X, Form::Plain(code(&[0xd3, 0xe0, 0x83, 0xf9, 31, 0x76, 2, 0x31, 0xc0]))),
    (ALU | RSH | X, Form::Plain(code(&[0xd3, 0xe8, 0x83, 0xf9, 31, 0x76, 2, 0x31, 0xc0]))),
    (ALU | DIV | K, Form::Divide(Quotient::Whole, Divisor::Constant)),
    (ALU | DIV | X, Form::Divide(Quotient::Whole, Divisor::X)),
    (ALU | MOD | K, Form::Divide(Quotient::Rest, Divisor::Constant)),
    (ALU | MOD | X, Form::Divide(Quotient::Rest, Divisor::X)),
    (JMP | JEQ | K, Form::TestConstant(0x3d, EQUAL)), // cmp eax, k
    (JMP | JGT | K, Form::TestConstant(0x3d, ABOVE)),
    (JMP | JGE | K, Form::TestConstant(0x3d, NOT_BELOW)),
    (JMP | JSET | K, Form::TestConstant(0xa9, NOT_EQUAL)), // test eax, k
    (JMP | JEQ | X, Form::TestX([0x39, 0xc8], EQUAL)),     // cmp eax, ecx
    (JMP | JGT | X, Form::TestX([0x39, 0xc8], ABOVE)),
    (JMP | JGE | X, Form::TestX([0x39, 0xc8], NOT_BELOW)),
    (JMP | JSET | X, Form::TestX([0x85, 0xc8], NOT_EQUAL)), // test eax, ecx
    (JMP_JA, Form::Jump),
    (RET_K, Form::ReturnConstant),
    (RET_A, Form::ReturnA),
];

/// What a jump or an operand is about.
#[derive(Clone, Copy)]
enum Place {
    /// An instruction of the program, by its number.
    Insn(usize),
    /// The end where a load found nothing.
    Stumbled,
    /// What runs the caller's program if it is another one.
    Otherwise,
    /// A byte of the program's copy.
    Copy(usize),
}

/// Before an instruction that no way leads to, as many bytes of the packet have been looked at.
const UNREACHED: u32 = u32::MAX;

/// The machine code of `insns`, which [`validate`](crate::bpf::validate()) accepts; `None` if a jump leads backwards.
/// With `otherwise`, the code looks first whether it is called with the same program, and is that function for any
/// other.
pub fn translate(insns: &[Insn], otherwise: Option<Entry<u32>>) -> Option<Vec<u8>> {
    let mut code = Translator {
        bytes: Vec::with_capacity(insns.len() * 24 + 256),
        gaps: Vec::with_capacity(insns.len() * 2 + 8),
        starts: vec![0; insns.len()],
        checked: vec![UNREACHED; insns.len()],
    };
    if otherwise.is_some() {
        code.guard(insns.len())?;
    }
    code.clear_registers(insns);
    code.reach(0, 0)?;
    for (n, &insn) in insns.iter().enumerate() {
        *code.starts.get_mut(n)? = code.bytes.len();
        let checked = *code.checked.get(n)?;
        if checked != UNREACHED {
            code.insn(n, insn, checked)?;
        }
    }
    code.finish(insns, otherwise)
}

struct Translator {
    bytes: Vec<u8>,
    /// Displacements that are not known yet: where the four bytes end, and what they lead to.
    gaps: Vec<(usize, Place)>,
    /// Where each instruction begins.
    starts: Vec<usize>,
    /// How long the packet is at least before each, whichever way led there.
    checked: Vec<u32>,
}

impl Translator {
    fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Puts `bytes` and the constant that belongs to them.
    fn put_with(&mut self, bytes: &[u8], constant: u32) {
        self.put(bytes);
        self.put(&constant.to_le_bytes());
    }

    /// Puts `bytes` and the displacement to a place, counted from what comes next.
    fn put_towards(&mut self, bytes: &[u8], place: Place) {
        self.put_with(bytes, 0);
        self.gaps.push((self.bytes.len(), place));
    }

    /// Puts `number` into `rax`.
    fn put_address(&mut self, number: u64) {
        self.put(&[0x48, 0xb8]);
        self.put(&number.to_le_bytes());
    }

    fn jump_if(&mut self, condition: u8, place: Place) {
        self.put_towards(&[0x0f, 0x80 | condition], place);
    }

    /// Says that a way leads to instruction `n` where the packet has `checked` bytes at least. As all ways lead
    /// forwards, all have been seen when it is that instruction's turn.
    fn reach(&mut self, n: usize, checked: u32) -> Option<()> {
        let least = self.checked.get_mut(n)?;
        *least = checked.min(*least);
        Some(())
    }

    /// Compares the caller's program, of which there have to be `len` instructions, with the copy. Two at a time, and
    /// a last one alone: there the copy goes on with the zeros that the register is filled with.
    fn guard(&mut self, len: usize) -> Option<()> {
        self.put_with(&[0x49, 0x81, 0xf8], signed(len)?); // cmp r8, len
        self.jump_if(NOT_EQUAL, Place::Otherwise);
        for n in (0..len).step_by(2) {
            let at = n * size_of::<Insn>();
            let (load, compare): (u8, &[u8]) = match n {
                0 => (0x89, &[0x66, 0x0f, 0x76, 0x0d]),
                _ => (0x81, &[0x66, 0x0f, 0x76, 0x05]),
            };
            match n + 1 < len {
                true => self.put_with(&[0xf3, 0x0f, 0x6f, load], signed(at)?), // movdqu xmm, [rcx + at]
                false => self.put_with(&[0xf3, 0x0f, 0x7e, load], signed(at)?), // movq
            }
            self.put_towards(compare, Place::Copy(at)); // pcmpeqd xmm, copy
            if n != 0 {
                self.put(&[0x66, 0x0f, 0xdb, 0xc8]); // pand xmm1, xmm0
            }
        }
        self.put(&[0x66, 0x0f, 0xd7, 0xc1]); // pmovmskb eax, xmm1
        self.put_with(&[0x3d], 0xffff); // cmp eax, 0xffff
        self.jump_if(NOT_EQUAL, Place::Otherwise);
        Some(())
    }

    /// Clears the registers, and what is read of scratch memory.
    fn clear_registers(&mut self, insns: &[Insn]) {
        self.put(&[0x31, 0xc0, 0x31, 0xc9]); // xor eax, eax; xor ecx, ecx
        for word in 0..MEMWORDS as u32 {
            let reads = |insn: &Insn| [LD_MEM, LDX_MEM].contains(&insn.code) && insn.k == word;
            if insns.iter().any(reads) {
                self.put(&[0x89, 0x44, 0x24, below_stack(word)]); // mov word, eax
            }
        }
    }

    /// Instruction `n`, where the packet has `checked` bytes at least.
    fn insn(&mut self, n: usize, insn: Insn, mut checked: u32) -> Option<()> {
        let (k, next) = (insn.k, n.checked_add(1)?);
        let form = FORMS.iter().find(|(code, _)| *code == insn.code).map(|(_, form)| *form);
        match form {
            Some(Form::Plain(bytes)) => self.put(bytes.as_bytes()),
            Some(Form::Constant(bytes)) => self.put_with(bytes.as_bytes(), k),
            Some(Form::Word(bytes)) => {
                self.put(bytes.as_bytes());
                self.put(&[below_stack(k)]);
            }
            Some(Form::Shift(which)) => match u8::try_from(k) {
                Ok(k @ 0..=31) => self.put(&[0xc1, which, k]),
                _ => self.put(&[0x31, 0xc0]), // xor eax, eax
            },
            Some(Form::Divide(quotient, divisor)) => self.divide(quotient, divisor, k),
            Some(Form::Load(width)) => checked = self.load(&width, EAX, k, checked),
            Some(Form::Indexed(width)) => self.load_indexed(&width, k),
            Some(Form::HeaderLen) => {
                checked = self.load(&BYTE, ECX, k, checked);
                self.put(&[0x83, 0xe1, 0x0f, 0xc1, 0xe1, 2]); // and ecx, 15; shl ecx, 2
            }
            Some(Form::TestConstant(test, condition)) => {
                self.put_with(&[test], k);
                return self.branch(next, insn, condition, checked);
            }
            Some(Form::TestX(test, condition)) => {
                self.put(&test);
                return self.branch(next, insn, condition, checked);
            }
            Some(Form::Jump) => return self.go(next, forwards(next, k)?, checked),
            Some(Form::ReturnConstant) => {
                self.put_with(&[0xb8], k); // mov eax, k
                return self.end();
            }
            Some(Form::ReturnA) => return self.end(),
            None => {
                self.put(&[0x31, 0xc0]); // xor eax, eax
                return self.end();
            }
        }
        self.reach(next, checked)
    }

    fn end(&mut self) -> Option<()> {
        self.put(&[0xc3]); // ret
        Some(())
    }

    /// Goes on at `to`, in front of which is `next`.
    fn go(&mut self, next: usize, to: usize, checked: u32) -> Option<()> {
        if to != next {
            self.put_towards(&[0xe9], Place::Insn(to)); // jmp
        }
        self.reach(to, checked)
    }

    /// Goes on by what a test has found; `next` is the instruction after it.
    fn branch(&mut self, next: usize, test: Insn, condition: u8, checked: u32) -> Option<()> {
        let (taken, passed) = (forwards(next, test.jt.into())?, forwards(next, test.jf.into())?);
        if taken == passed {
            return self.go(next, taken, checked);
        }
        self.reach(taken, checked)?;
        if taken == next {
            self.jump_if(condition ^ 1, Place::Insn(passed));
            return self.reach(passed, checked);
        }
        self.jump_if(condition, Place::Insn(taken));
        self.go(next, passed, checked)
    }

    /// Loads what is at `k`, and returns how many bytes are known to be there now.
    fn load(&mut self, width: &Width, register: u8, k: u32, checked: u32) -> u32 {
        let Some(end) = end(k, width) else {
            self.put_with(&[0x41, 0xb8], k); // mov r8d, k
            self.put(&[0x4d, 0x8d, 0x40, width.bytes]); // lea r8, [r8 + bytes]
            self.load_before_r8(width, register);
            return checked;
        };
        if checked < end {
            self.put_with(&[0x48, 0x81, 0xfe], end); // cmp rsi, end
            self.jump_if(BELOW, Place::Stumbled);
        }
        self.put(width.load.as_bytes());
        self.put_with(&[0x87 | register << 3], k); // [rdi + k]
        self.swap(width, register);
        checked.max(end)
    }

    /// Loads what is at X + `k`.
    fn load_indexed(&mut self, width: &Width, k: u32) {
        match end(k, width) {
            Some(end) => self.put_with(&[0x4c, 0x8d, 0x81], end), // lea r8, [rcx + end]
            None => {
                self.put_with(&[0x41, 0xb8], k); // mov r8d, k
                self.put(&[0x4d, 0x8d, 0x44, 0x08, width.bytes]); // lea r8, [r8 + rcx + bytes]
            }
        }
        self.load_before_r8(width, EAX);
    }

    /// Loads what ends at `r8`, which is far below overflowing.
    fn load_before_r8(&mut self, width: &Width, register: u8) {
        self.put(&[0x4c, 0x39, 0xc6]); // cmp rsi, r8
        self.jump_if(BELOW, Place::Stumbled);
        self.put(&[0x42]);
        self.put(width.load.as_bytes());
        self.put(&[0x44 | register << 3, 0x07, width.bytes.wrapping_neg()]); // [rdi + r8 - bytes]
        self.swap(width, register);
    }

    fn swap(&mut self, width: &Width, register: u8) {
        debug_assert!(register == EAX || width.swap.as_bytes().is_empty());
        self.put(width.swap.as_bytes());
    }

    /// Divides A. `edx`, which takes part in that, waits in `r9d`.
    fn divide(&mut self, quotient: Quotient, divisor: Divisor, k: u32) {
        if divisor == Divisor::X {
            self.put(&[0x85, 0xc9]); // test ecx, ecx
            self.jump_if(EQUAL, Place::Stumbled);
        }
        self.put(&[0x41, 0x89, 0xd1, 0x31, 0xd2]); // mov r9d, edx; xor edx, edx
        match divisor {
            Divisor::X => self.put(&[0xf7, 0xf1]), // div ecx
            Divisor::Constant => {
                self.put_with(&[0x41, 0xb8], k); // mov r8d, k
                self.put(&[0x41, 0xf7, 0xf0]); // div r8d
            }
        }
        if quotient == Quotient::Rest {
            self.put(&[0x89, 0xd0]); // mov eax, edx
        }
        self.put(&[0x44, 0x89, 0xca]); // mov edx, r9d
    }

    /// Puts the other ends and the copy of `insns`, and fills in the displacements.
    fn finish(mut self, insns: &[Insn], otherwise: Option<Entry<u32>>) -> Option<Vec<u8>> {
        let stumbled = self.bytes.len();
        self.put_address(STUMBLED);
        self.end();
        let mismatch = self.bytes.len();
        if let Some(otherwise) = otherwise {
            self.put_address(otherwise as usize as u64);
            self.put(&[0xff, 0xe0]); // jmp rax
        }
        // Operands in memory are aligned.
        self.bytes.resize(self.bytes.len().next_multiple_of(16), 0);
        let copy = self.bytes.len();
        if otherwise.is_some() {
            for insn in insns {
                self.put(&insn.code.to_le_bytes());
                self.put_with(&[insn.jt, insn.jf], insn.k);
            }
            self.bytes.resize(self.bytes.len().next_multiple_of(16), 0);
        }
        for (end, place) in &self.gaps {
            let to = match *place {
                Place::Insn(n) => *self.starts.get(n)?,
                Place::Stumbled => stumbled,
                Place::Otherwise => mismatch,
                Place::Copy(at) => copy.checked_add(at)?,
            };
            let gap = self.bytes.get_mut(end.checked_sub(4)?..*end)?;
            gap.copy_from_slice(&signed(to.checked_sub(*end)?)?.to_le_bytes());
        }
        Some(self.bytes)
    }
}

/// A number that is positive as the processor extends it.
fn signed(number: usize) -> Option<u32> {
    i32::try_from(number).ok().map(i32::cast_unsigned)
}

/// What comes after `width` at `k`, where that can be an operand.
fn end(k: u32, width: &Width) -> Option<u32> {
    k.checked_add(width.bytes.into()).filter(|end| i32::try_from(*end).is_ok())
}

/// The number of the instruction that a jump leads to which skips `by` of those from `next` on.
fn forwards(next: usize, by: u32) -> Option<usize> {
    next.checked_add(i32::try_from(by).ok()?.cast_unsigned() as usize)
}

/// Where a word of scratch memory is, counted from `rsp`.
fn below_stack(word: u32) -> u8 {
    let word = word % MEMWORDS as u32;
    (4 * (word as u8) + 4).wrapping_neg()
}
