/**
 * Boxes of SVG elements by estimate, for jsdom, which has no layout: texts from their length and font size, containers
 * from what they hold, both through their `transform`. Lines and shapes are left out: Plotly asks for texts.
 */
export interface SvgNode {
  nodeType: number;
  tagName: string;
  textContent: string | null;
  children: ArrayLike<SvgNode>;
  parentNode: SvgNode | null;
  style?: { fontSize?: string; textAnchor?: string; display?: string };
  getAttribute(name: string): string | null;
}

export interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** a c e / b d f of a 2-d affine transform, in SVG's order a b c d e f. */
type Matrix = readonly [number, number, number, number, number, number];
const identity: Matrix = [1, 0, 0, 1, 0, 0];

/** Mean advance of a proportional sans-serif glyph, and its line height, as shares of the font size. */
const advance = 0.55;
const lineHeight = 1.2;

/** Width of one line of text in px. */
export function textWidth(text: string, fontSize: number): number {
  return text.length * fontSize * advance;
}

export function textLength(node: SvgNode): number {
  return textWidth(node.textContent ?? '', fontSizeOf(node));
}

/** The element's box in its own coordinates (`getBBox`). */
export function ownBox(node: SvgNode): Box {
  return boxIn(node, identity) ?? { left: 0, top: 0, right: 0, bottom: 0 };
}

/** The element's box in the page's coordinates (`getBoundingClientRect`). */
export function pageBox(node: SvgNode): Box {
  let toPage = identity;
  for (let at: SvgNode | null = node; at && at.nodeType === 1; at = at.parentNode) {
    toPage = multiply(parseTransform(at.getAttribute('transform')), toPage);
  }
  return boxIn(node, toPage) ?? { left: 0, top: 0, right: 0, bottom: 0 };
}

function boxIn(node: SvgNode, matrix: Matrix): Box | null {
  if (node.style?.display === 'none') return null;
  if (node.tagName === 'text') return transformBox(textBox(node), matrix);
  if (node.tagName === 'rect') return transformBox(rectBox(node), matrix);
  const boxes = Array.from(node.children, (child) => boxIn(child, multiply(matrix, parseTransform(child.getAttribute('transform')))))
    .filter((box): box is Box => box !== null);
  return boxes.length === 0 ? null : union(boxes);
}

function rectBox(node: SvgNode): Box {
  const [x, y, width, height] = ['x', 'y', 'width', 'height'].map((name) => Number(node.getAttribute(name) ?? 0) || 0);
  return { left: x, top: y, right: x + width, bottom: y + height };
}

/** Plotly writes several lines as `tspan`s of class `line`. */
function textBox(node: SvgNode): Box {
  const lines = Array.from(node.children).filter((child) => child.getAttribute('class') === 'line');
  const texts = lines.length > 0 ? lines.map((line) => line.textContent ?? '') : [node.textContent ?? ''];
  const size = fontSizeOf(node);
  const width = Math.max(...texts.map((text) => textWidth(text, size)));
  const x = Number(node.getAttribute('x') ?? lines[0]?.getAttribute('x') ?? 0) || 0;
  const y = Number(node.getAttribute('y') ?? lines[0]?.getAttribute('y') ?? 0) || 0;
  const anchor = node.style?.textAnchor || node.getAttribute('text-anchor') || 'start';
  const left = anchor === 'middle' ? x - width / 2 : anchor === 'end' ? x - width : x;
  const top = y - size;
  return { left, top, right: left + width, bottom: top + texts.length * size * lineHeight };
}

/** Inherited, as in CSS. */
function fontSizeOf(node: SvgNode): number {
  for (let at: SvgNode | null = node; at && at.nodeType === 1; at = at.parentNode) {
    const size = parseFloat(at.style?.fontSize || at.getAttribute('font-size') || '');
    if (size > 0) return size;
  }
  return 12;
}

function parseTransform(text: string | null): Matrix {
  let matrix = identity;
  for (const [, name, list] of (text ?? '').matchAll(/(translate|rotate|scale|matrix)\(([^)]*)\)/g)) {
    matrix = multiply(matrix, elementary(name, list.split(/[\s,]+/).map(Number)));
  }
  return matrix;
}

function elementary(name: string, [a, b = 0, c = 0, ...rest]: number[]): Matrix {
  if (name === 'translate') return [1, 0, 0, 1, a, b];
  if (name === 'scale') return [a, 0, 0, b || a, 0, 0];
  if (name === 'matrix') return [a, b, c, rest[0], rest[1], rest[2]];
  const [cos, sin] = [Math.cos((a * Math.PI) / 180), Math.sin((a * Math.PI) / 180)];
  return [cos, sin, -sin, cos, b - cos * b + sin * c, c - sin * b - cos * c];
}

function multiply([a, b, c, d, e, f]: Matrix, [g, h, i, j, k, l]: Matrix): Matrix {
  return [a * g + c * h, b * g + d * h, a * i + c * j, b * i + d * j, a * k + c * l + e, b * k + d * l + f];
}

function transformBox({ left, top, right, bottom }: Box, [a, b, c, d, e, f]: Matrix): Box {
  const corners = [[left, top], [right, top], [left, bottom], [right, bottom]].map(([x, y]) => [a * x + c * y + e, b * x + d * y + f]);
  const [xs, ys] = [corners.map(([x]) => x), corners.map(([, y]) => y)];
  return { left: Math.min(...xs), top: Math.min(...ys), right: Math.max(...xs), bottom: Math.max(...ys) };
}

function union(boxes: Box[]): Box {
  return {
    left: Math.min(...boxes.map((box) => box.left)),
    top: Math.min(...boxes.map((box) => box.top)),
    right: Math.max(...boxes.map((box) => box.right)),
    bottom: Math.max(...boxes.map((box) => box.bottom)),
  };
}
