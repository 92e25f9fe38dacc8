/** Writes ONNX files: a graph of nodes and stored tensors, encoded as the protocol buffer that `onnx.proto` describes. */
import { PbfWriter } from 'pbf';

/** The numbers of TensorProto.DataType. */
const TYPES = { float32: 1, uint8: 2, int8: 3, int64: 7 } as const;
type Type = keyof typeof TYPES;

/** The numbers of AttributeProto.AttributeType. */
const [FLOAT, INT, INTS] = [1, 2, 7];

/** opset 17 brought LayerNormalization; 8 is the file version of its time. */
const [OPSET, IR_VERSION] = [17, 8];

/** A float, an integer or a list of integers. */
export type Attribute = { readonly float: number } | { readonly int: number } | { readonly ints: readonly number[] };

interface Node {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

interface Stored {
  readonly name: string;
  readonly type: Type;
  readonly dims: readonly number[];
  readonly bytes: Uint8Array;
}

interface Value {
  readonly name: string;
  readonly type: Type;
  /** A name is a size that is only known at run time. */
  readonly dims: readonly (number | string)[];
}

function typeOf(data: ArrayBufferView): Type {
  if (data instanceof Float32Array) return 'float32';
  if (data instanceof Int8Array) return 'int8';
  return data instanceof Uint8Array ? 'uint8' : 'int64';
}

export class OnnxGraph {
  readonly #nodes: Node[] = [];
  readonly #stored: Stored[] = [];
  readonly #inputs: Value[] = [];
  readonly #outputs: Value[] = [];

  input(name: string, type: Type, dims: Value['dims']): string {
    this.#inputs.push({ name, type, dims });
    return name;
  }

  output(name: string, type: Type, dims: Value['dims']): void {
    this.#outputs.push({ name, type, dims });
  }

  /** Stores a tensor under its name, row-major. */
  tensor(name: string, dims: readonly number[], data: Float32Array | Int8Array | Uint8Array | BigInt64Array): string {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.#stored.push({ name, type: typeOf(data), dims, bytes });
    return name;
  }

  /** A number as a tensor without dimensions. */
  scalar(name: string, value: number): string {
    return this.tensor(name, [], Float32Array.of(value));
  }

  /** Integers as a vector: shapes, axes. */
  integers(name: string, values: readonly number[]): string {
    return this.tensor(name, [values.length], BigInt64Array.from(values, BigInt));
  }

  /** Adds a node with one output, and names it. */
  node(op: string, inputs: readonly string[], attributes: Node['attributes'] = {}, output = this.#name(op)): string {
    this.#nodes.push({ op, inputs, outputs: [output], attributes });
    return output;
  }

  /** Adds a node with `count` outputs. */
  nodeWith(count: number, op: string, inputs: readonly string[]): string[] {
    const outputs = Array.from({ length: count }, (_, i) => `${this.#name(op)}.${i}`);
    this.#nodes.push({ op, inputs, outputs, attributes: {} });
    return outputs;
  }

  #name(op: string): string {
    return `${op}_${this.#nodes.length}`;
  }

  encode(): Uint8Array {
    const writer = new PbfWriter();
    writer.writeVarintField(1, IR_VERSION);
    writer.writeMessage(7, (graph: OnnxGraph, pbf) => graph.#write(pbf), this);
    writer.writeMessage(8, (version: number, pbf) => pbf.writeVarintField(2, version), OPSET);
    return writer.finish();
  }

  #write(pbf: PbfWriter): void {
    for (const node of this.#nodes) pbf.writeMessage(1, writeNode, node);
    pbf.writeStringField(2, 'albert');
    for (const stored of this.#stored) pbf.writeMessage(5, writeTensor, stored);
    for (const value of this.#inputs) pbf.writeMessage(11, writeValue, value);
    for (const value of this.#outputs) pbf.writeMessage(12, writeValue, value);
  }
}

function writeNode({ op, inputs, outputs, attributes }: Node, pbf: PbfWriter): void {
  for (const input of inputs) pbf.writeStringField(1, input);
  for (const output of outputs) pbf.writeStringField(2, output);
  pbf.writeStringField(4, op);
  for (const attribute of Object.entries(attributes)) pbf.writeMessage(5, writeAttribute, attribute);
}

function writeAttribute([name, value]: [string, Attribute], pbf: PbfWriter): void {
  pbf.writeStringField(1, name);
  if ('float' in value) {
    pbf.writeFloatField(2, value.float);
    pbf.writeVarintField(20, FLOAT);
  } else if ('int' in value) {
    pbf.writeVarintField(3, value.int);
    pbf.writeVarintField(20, INT);
  } else {
    for (const int of value.ints) pbf.writeVarintField(8, int);
    pbf.writeVarintField(20, INTS);
  }
}

function writeTensor({ name, type, dims, bytes }: Stored, pbf: PbfWriter): void {
  for (const dim of dims) pbf.writeVarintField(1, dim);
  pbf.writeVarintField(2, TYPES[type]);
  pbf.writeStringField(8, name);
  pbf.writeBytesField(9, bytes);
}

/** ValueInfoProto: a name and a TypeProto around a tensor type around a shape. */
function writeValue({ name, type, dims }: Value, pbf: PbfWriter): void {
  const writeDim = (dim: number | string, to: PbfWriter) =>
    typeof dim === 'number' ? to.writeVarintField(1, dim) : to.writeStringField(2, dim);
  const writeShape = (shape: Value['dims'], to: PbfWriter) => {
    for (const dim of shape) to.writeMessage(1, writeDim, dim);
  };
  const writeTensorType = (shape: Value['dims'], to: PbfWriter) => {
    to.writeVarintField(1, TYPES[type]);
    to.writeMessage(2, writeShape, shape);
  };
  pbf.writeStringField(1, name);
  pbf.writeMessage(2, (shape: Value['dims'], to) => to.writeMessage(1, writeTensorType, shape), dims);
}
