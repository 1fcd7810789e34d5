/**
 * Machine code that single-steps a thread many times in one call from JavaScript.
 *
 * A step costs two switches between tracer and tracee, after which caches and branch predictors are cold: the some
 * thousand instructions of three calls through an FFI then cost a third of a step. This loop is thirty instructions.
 * It stops before a `syscall` instruction, whose step may block for as long as there is no traffic.
 *
 * void loop(int tid, uint64_t *at, uint64_t steps, struct state *state)   (System V calling convention)
 *
 * Every step stores the address of the instruction that comes next in `*at++`. `state` tells where it ended:
 */
export const stepState = {
  /** int32: what wait4 reported last. */
  status: 0,
  /** Eight bytes of code at the last address. */
  code: 8,
  /** int64: what the last system call of the loop returned; minus an errno when it failed. */
  result: 16,
  /** uint64: steps taken, i.e. addresses stored. */
  steps: 24,
  bytes: 32,
} as const;

/** As it is in the status after an ordinary step: stopped (0x7f) by SIGTRAP (5). */
export const stoppedByStep = 0x057f;

/** Each instruction with its bytes; a test compares the two. The kernel preserves all registers but rax, rcx and r11. */
export const stepLoopListing: readonly [text: string, bytes: readonly number[]][] = [
  ['push rbx', [0x53]],
  ['push rbp', [0x55]],
  ['mov ebx,edi', [0x89, 0xfb]],
  ['mov rbp,rcx', [0x48, 0x89, 0xcd]],
  ['mov r8,rsi', [0x49, 0x89, 0xf0]],
  ['lea r9,[rsi+rdx*8]', [0x4c, 0x8d, 0x0c, 0xd6]],
  ['push rsi', [0x56]],
  // next: ptrace(PTRACE_SINGLESTEP, tid, 0, 0)
  ['mov eax,65h', [0xb8, 0x65, 0, 0, 0]],
  ['mov edi,9', [0xbf, 9, 0, 0, 0]],
  ['mov esi,ebx', [0x89, 0xde]],
  ['xor edx,edx', [0x31, 0xd2]],
  ['xor r10d,r10d', [0x45, 0x31, 0xd2]],
  ['syscall', [0x0f, 0x05]],
  ['test rax,rax', [0x48, 0x85, 0xc0]],
  ['js short done', [0x78, 0x69]],
  // wait4(tid, &state->status, __WALL, NULL)
  ['mov eax,3Dh', [0xb8, 0x3d, 0, 0, 0]],
  ['mov edi,ebx', [0x89, 0xdf]],
  ['mov rsi,rbp', [0x48, 0x89, 0xee]],
  ['mov edx,40000000h', [0xba, 0, 0, 0, 0x40]],
  ['syscall', [0x0f, 0x05]],
  ['test rax,rax', [0x48, 0x85, 0xc0]],
  ['js short done', [0x78, 0x53]],
  ['cmp dword [rbp],57Fh', [0x81, 0x7d, 0x00, 0x7f, 0x05, 0, 0]],
  ['jne short done', [0x75, 0x4a]],
  // ptrace(PTRACE_PEEKUSER, tid, offsetof(user_regs_struct, rip), at)
  ['mov eax,65h', [0xb8, 0x65, 0, 0, 0]],
  ['mov edi,3', [0xbf, 3, 0, 0, 0]],
  ['mov esi,ebx', [0x89, 0xde]],
  ['mov edx,80h', [0xba, 0x80, 0, 0, 0]],
  ['mov r10,r8', [0x4d, 0x89, 0xc2]],
  ['syscall', [0x0f, 0x05]],
  ['test rax,rax', [0x48, 0x85, 0xc0]],
  ['js short done', [0x78, 0x2f]],
  // ptrace(PTRACE_PEEKTEXT, tid, *at++, state->code)
  ['mov eax,65h', [0xb8, 0x65, 0, 0, 0]],
  ['mov edi,1', [0xbf, 1, 0, 0, 0]],
  ['mov esi,ebx', [0x89, 0xde]],
  ['mov rdx,[r8]', [0x49, 0x8b, 0x10]],
  ['lea r10,[rbp+8]', [0x4c, 0x8d, 0x55, 0x08]],
  ['add r8,8', [0x49, 0x83, 0xc0, 0x08]],
  ['syscall', [0x0f, 0x05]],
  ['test rax,rax', [0x48, 0x85, 0xc0]],
  ['js short done', [0x78, 0x11]],
  ['cmp word [rbp+8],50Fh', [0x66, 0x81, 0x7d, 0x08, 0x0f, 0x05]],
  ['je short done', [0x74, 0x09]],
  ['cmp r8,r9', [0x4d, 0x39, 0xc8]],
  ['jb near next', [0x0f, 0x82, 0x7f, 0xff, 0xff, 0xff]],
  // done:
  ['mov [rbp+10h],rax', [0x48, 0x89, 0x45, 0x10]],
  ['pop rsi', [0x5e]],
  ['sub r8,rsi', [0x49, 0x29, 0xf0]],
  ['shr r8,3', [0x49, 0xc1, 0xe8, 0x03]],
  ['mov [rbp+18h],r8', [0x4c, 0x89, 0x45, 0x18]],
  ['pop rbp', [0x5d]],
  ['pop rbx', [0x5b]],
  ['ret', [0xc3]],
];

export const stepLoopCode: Uint8Array = Uint8Array.from(stepLoopListing.flatMap(([, bytes]) => bytes));
