/**
 * The safetensors format: eight bytes with the length of a JSON header (little endian), the header, the data. The header
 * gives each tensor's element type, shape and place in the data, and may carry text under `__metadata__`.
 *
 * Nothing that a file says of itself is believed: lengths, offsets, shapes and names are checked before a byte is used.
 */
import type { Data } from "../device/program.ts";
import { problem } from "../catalogue.ts";
import { decodeElements, ELEMENT_BYTES, elementTypes, type StoredType } from "./elements.ts";

/** Numbers of one tensor, row-major. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly data: Data;
}

export interface TensorFile {
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly metadata: ReadonlyMap<string, string>;
}

const HEADER_LIMIT = 100_000_000;
const METADATA = "__metadata__";

interface Header {
  readonly name: string;
  readonly type: StoredType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** Keys of the outermost object of a valid JSON text, with repetitions, which `JSON.parse` hides. */
function* outerKeys(json: string): Generator<string> {
  let depth = 0;
  let key: string | null = null;
  for (let i = 0; i < json.length; i++) {
    const c = json[i]!;
    if (c === '"') {
      const start = i;
      for (i++; json[i] !== '"'; i++) if (json[i] === "\\") i++;
      if (depth === 1) key = json.slice(start, i + 1);
    } else if (c === ":" && depth === 1 && key !== null) {
      yield JSON.parse(key) as string;
      key = null;
    } else if (c === "{" || c === "[") depth++;
    else if (c === "}" || c === "]") depth--;
  }
}

const isCount = (value: unknown): value is number =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0;

function readEntry(path: string, name: string, value: unknown): Header {
  const malformed = (reason: string) => problem("fwp6021", path, { path, reason });
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw malformed(`the entry of \`${name}\` is not an object`);
  }
  const { dtype, shape, data_offsets: offsets } = value as Record<string, unknown>;
  if (typeof dtype !== "string") throw malformed(`\`${name}\` has no element type`);
  const type = elementTypes.find((t) => t === dtype);
  if (type === undefined) {
    throw problem("fwp6024", path, { name, type: dtype, known: elementTypes.join(", ") });
  }
  if (!Array.isArray(shape) || !shape.every(isCount)) {
    throw malformed(`the shape of \`${name}\` is not a list of sizes`);
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    throw malformed(`\`${name}\` does not say where its data begins and ends`);
  }
  const [begin, end] = offsets as [number, number];
  const count = shape.reduce((a, b) => a * b, 1);
  const needed = count * ELEMENT_BYTES[type];
  if (end - begin !== needed) {
    throw problem("fwp6025", path, {
      name,
      reason: `shape [${shape.join(", ")}] of ${type} needs ${needed} bytes, the header gives ${end - begin}`,
    });
  }
  return { name, type, shape: shape as number[], begin, end };
}

function readMetadata(path: string, value: unknown): Map<string, string> {
  if (value === undefined) return new Map();
  const entries = typeof value === "object" && value !== null ? Object.entries(value) : null;
  if (entries === null || Array.isArray(value) || entries.some(([, v]) => typeof v !== "string")) {
    throw problem("fwp6021", path, { path, reason: `${METADATA} is not an object of texts` });
  }
  return new Map(entries as [string, string][]);
}

/** The tensors tile the data: in order of place no hole and no overlap, and the last ends where the data does. */
function checkPlaces(
  path: string,
  headers: readonly Header[],
  dataBytes: number,
  fileBytes: number,
) {
  const inOrder = [...headers].sort((a, b) => a.begin - b.begin || a.end - b.end);
  let at = 0;
  for (const { name, begin, end } of inOrder) {
    if (begin < at) {
      throw problem("fwp6025", path, {
        name,
        reason: `its data begins at ${begin}, inside another tensor's, which ends at ${at}`,
      });
    }
    if (begin > at) {
      throw problem("fwp6025", path, {
        name,
        reason: `its data begins at ${begin}; the data before it ends at ${at}`,
      });
    }
    at = end;
  }
  if (at !== dataBytes) {
    const expected = fileBytes - dataBytes + at;
    throw problem("fwp6020", path, { path, expected, found: fileBytes });
  }
}

/**
 * Reads safetensors from memory. `path` names the source in diagnostics.
 * @throws DiagnosticError fwp6020–fwp6026: cut off, malformed, header too long, a name twice, an unknown element type,
 * wrong places, an integer that does not fit.
 */
export function decodeSafetensors(bytes: Uint8Array, path: string): TensorFile {
  if (bytes.length < 8) throw problem("fwp6020", path, { path, expected: 8, found: bytes.length });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerBytes = Number(view.getBigUint64(0, true));
  if (headerBytes > HEADER_LIMIT) {
    throw problem("fwp6022", path, { path, bytes: headerBytes, limit: HEADER_LIMIT });
  }
  const start = 8 + headerBytes;
  if (start > bytes.length) {
    throw problem("fwp6020", path, { path, expected: start, found: bytes.length });
  }
  let text: string;
  let header: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(8, start));
    header = JSON.parse(text);
  } catch {
    throw problem("fwp6021", path, { path, reason: "its header is not JSON" });
  }
  if (typeof header !== "object" || header === null || Array.isArray(header)) {
    throw problem("fwp6021", path, { path, reason: "its header is not a JSON object" });
  }
  const seen = new Set<string>();
  for (const name of outerKeys(text)) {
    if (seen.has(name)) throw problem("fwp6023", path, { name });
    seen.add(name);
  }
  const values = new Map(Object.entries(header));
  const metadata = readMetadata(path, values.get(METADATA));
  values.delete(METADATA);
  const headers = [...values].map(([name, value]) => readEntry(path, name, value));
  checkPlaces(path, headers, bytes.length - start, bytes.length);
  const tensors = new Map<string, Tensor>();
  for (const { name, type, shape, begin, end } of headers) {
    // Copied, so that the data is aligned and the file's memory can go.
    const data = decodeElements(type, new Uint8Array(bytes.subarray(start + begin, start + end)));
    if (!Array.isArray(data)) tensors.set(name, { shape, data });
    else throw problem("fwp6026", path, { name, value: String(data[0]) });
  }
  return { tensors, metadata };
}

const storedType = (data: Data): StoredType =>
  data instanceof Float32Array ? "F32" : data instanceof Float64Array ? "F64" : "I32";

/**
 * The pieces of a safetensors file, in order. Tensors are laid out by name, doubles first, so that the same tensors
 * always give the same bytes and every tensor is aligned.
 */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, Tensor>,
  metadata: ReadonlyMap<string, string> = new Map(),
): Uint8Array[] {
  const width = (t: Tensor) => t.data.BYTES_PER_ELEMENT;
  const sorted = [...tensors].sort(
    ([a, s], [b, t]) => width(t) - width(s) || (a < b ? -1 : a > b ? 1 : 0),
  );
  const entries: [string, unknown][] = [];
  if (metadata.size > 0) entries.push([METADATA, Object.fromEntries(metadata)]);
  const pieces: Uint8Array[] = [];
  let at = 0;
  for (const [name, { shape, data }] of sorted) {
    const end = at + data.byteLength;
    entries.push([name, { dtype: storedType(data), shape, data_offsets: [at, end] }]);
    pieces.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    at = end;
  }
  // Entry by entry: an object would reorder names that look like numbers and trip over `__proto__`.
  const fields = entries.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`);
  const json = new TextEncoder().encode(`{${fields.join(",")}}`);
  const header = new Uint8Array(Math.ceil((8 + json.length) / 8) * 8).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(header.length - 8), true);
  header.set(json, 8);
  return [header, ...pieces];
}

/** The same as one array. */
export function safetensorsBytes(
  tensors: ReadonlyMap<string, Tensor>,
  metadata?: ReadonlyMap<string, string>,
): Uint8Array {
  const pieces = encodeSafetensors(tensors, metadata);
  const bytes = new Uint8Array(pieces.reduce((n, piece) => n + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
