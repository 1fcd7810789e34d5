/** The cells of a notebook's text (`ts:percent`), and the rules they keep. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import * as ts from 'typescript';

export interface Cell {
  kind: 'code' | 'markdown';
  /** Line of the text file on which the cell's own text begins, from 1. */
  line: number;
  text: string;
}

/** Longest code cell; what needs more belongs in lib. */
export const maxCellLines = 10;
/** Longest line that JupyterLab shows without scrolling on a small screen. */
export const maxColumns = 100;

/** Splits a text at its `// %%` lines; what stands before the first is jupytext's header. */
export function parseCells(text: string): Cell[] {
  const lines = text.split('\n');
  const starts = lines.flatMap((line, index) => (/^\/\/ %%/.test(line) ? [index] : []));
  return starts.map((start, i) => ({
    kind: /^\/\/ %% *\[markdown\]/.test(lines[start]) ? 'markdown' : 'code',
    line: start + 2,
    text: lines.slice(start + 1, starts[i + 1]).join('\n').trimEnd(),
  }));
}

/**
 * What breaks the rules for cells, as `file:line: message`. Only `const`, since reassigning an earlier cell's `let`
 * splits it from functions that captured it; and cells that are seen at a glance.
 */
export function checkCells(file: string): string[] {
  return parseCells(fs.readFileSync(file, 'utf8')).filter(({ kind }) => kind === 'code').flatMap((cell) => {
    const at = (line: number) => `${path.basename(file)}:${cell.line + line}`;
    const length = cell.text.split('\n').length;
    return [
      ...(length > maxCellLines ? [`${at(0)}: cell of ${length} lines; at most ${maxCellLines}, move logic to lib/`] : []),
      ...tooWide(cell.text).map((line) => `${at(line)}: line of more than ${maxColumns} columns`),
      ...notConst(cell.text).map((line) => `${at(line)}: only const at the top of a cell`),
      ...shorthands(cell.text).map(({ line, name }) => `${at(line)}: {${name}} of an earlier cell fails when run; write {${name}: ${name}}`),
    ];
  });
}

function tooWide(text: string): number[] {
  return text.split('\n').flatMap((line, index) => (line.length > maxColumns ? [index] : []));
}

/** Zero-based lines of top-level `let` and `var`. */
function notConst(text: string): number[] {
  const source = parse(text);
  return source.statements
    .filter((statement) => ts.isVariableStatement(statement) && !(statement.declarationList.flags & ts.NodeFlags.Const))
    .map((statement) => lineOf(source, statement));
}

/** tslab renames variables of earlier cells, but not where a shorthand property names one: `{ a }` throws at run time. */
function shorthands(text: string): { line: number; name: string }[] {
  const source = parse(text);
  const found: ts.ShorthandPropertyAssignment[] = [];
  const declared = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isShorthandPropertyAssignment(node)) found.push(node);
    if (isDeclaration(node) && node.name && ts.isIdentifier(node.name)) declared.add(node.name.text);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found.filter(({ name }) => !declared.has(name.text)).map((node) => ({ line: lineOf(source, node), name: node.name.text }));
}

function isDeclaration(node: ts.Node): node is ts.NamedDeclaration {
  return ts.isVariableDeclaration(node) || ts.isParameter(node) || ts.isBindingElement(node) || ts.isFunctionDeclaration(node)
    || ts.isImportSpecifier(node) || ts.isImportClause(node) || ts.isNamespaceImport(node);
}

/**
 * Type-checks notebooks strictly together with lib, as this project's tsconfig says.
 * tsc sees one scope where the kernel sees a cell after the other, so imports go first and every cell is a block
 * inside the one before: a name may then be declared again, as the kernel allows.
 * @param files notebooks whose cells import from `./lib/...`.
 * @param root folder that `./lib` is in.
 * @returns messages as `file:line: message`, for the notebooks only.
 */
export function typeErrors(files: string[], root: string): string[] {
  const config = ts.readConfigFile(path.join(root, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, root);
  const virtual = new Map(files.map((file) => [path.join(root, `__${path.basename(file)}`), file]));
  const texts = new Map([...virtual].map(([name, file]) => [name, nest(fs.readFileSync(file, 'utf8'))]));
  // Cells use their imports and constants in later cells, or only show them.
  const host = ts.createCompilerHost({ ...options, noUnusedLocals: false, noUnusedParameters: false });
  const { fileExists, readFile } = host;
  host.fileExists = (name) => texts.has(name) || fileExists(name);
  host.readFile = (name) => texts.get(name) ?? readFile(name);
  const program = ts.createProgram([...texts.keys()], { ...options, noUnusedLocals: false, noUnusedParameters: false }, host);
  return [...virtual].flatMap(([name, file]) => {
    const source = program.getSourceFile(name);
    return ts.getPreEmitDiagnostics(program, source).map(({ start = 0, messageText }) =>
      `${path.basename(file)}:${(source?.getLineAndCharacterOfPosition(start).line ?? 0) + 1}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`);
  });
}

/** One module of the same line numbers: imports first, then each cell as a block within the one before. */
export function nest(text: string): string {
  const out = text.split('\n').map(() => '');
  const imports: string[] = [];
  const code = parseCells(text).filter(({ kind }) => kind === 'code');
  for (const cell of code) {
    const lines = cell.text.split('\n');
    for (const statement of parse(cell.text).statements.filter(ts.isImportDeclaration).reverse()) {
      const { line: from } = ts.getLineAndCharacterOfPosition(statement.getSourceFile(), statement.getStart());
      const { line: to } = ts.getLineAndCharacterOfPosition(statement.getSourceFile(), statement.getEnd());
      imports.push(statement.getText());
      for (let line = from; line <= to; line++) lines[line] = '';
    }
    lines.forEach((line, i) => { out[cell.line - 1 + i] = line; });
    out[cell.line - 2] = '{';
  }
  // The header is comment lines, so that its first line is free for the imports.
  out[0] = `${[...new Set(imports)].map((statement) => statement.replace(/\n/g, ' ')).join('; ')} ${out[0]}`;
  return `${out.join('\n')}\n${'}'.repeat(code.length)}`;
}

function parse(text: string): ts.SourceFile {
  return ts.createSourceFile('cell.ts', text, ts.ScriptTarget.Latest, true);
}

function lineOf(source: ts.SourceFile, node: ts.Node): number {
  return source.getLineAndCharacterOfPosition(node.getStart()).line;
}
