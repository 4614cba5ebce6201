/** y = 2 x + c + 1 with the state of the fake program, as a stream: window after window of one noise signal. */
import { fillUniform } from "../../runtime/format/random.ts";
import type { Task } from "../../runtime/tasks/task.ts";

const LENGTH = 4;
const noise = (split: string, row: number, window: number): Float32Array => {
  const x = new Float32Array(LENGTH);
  fillUniform(x, split === "train" ? 1 : 2, row * 2 ** 16 + window);
  return x;
};

export const fakeTask: Task = {
  name: "fake",
  description: "a line",
  options: { length: LENGTH },
  fields: [
    { name: "x", shape: [1], type: "float", vocab: null },
    { name: "target", shape: [1], type: "float", vocab: null },
  ],
  provides: { length: LENGTH },
  stream: true,
  validationBatches: () => 3,
  batch(split, index, size) {
    const x = new Float32Array(size * LENGTH);
    const target = new Float32Array(size * LENGTH);
    for (let row = 0; row < size; row++) {
      let c = 0;
      // Twenty windows back the state no longer matters to a float32.
      for (let window = Math.max(0, index - 20); window <= index; window++) {
        const values = noise(split, row, window);
        for (const [t, value] of values.entries()) {
          c = c / 2 + value;
          if (window < index) continue;
          x[row * LENGTH + t] = value;
          target[row * LENGTH + t] = 2 * value + c + 1;
        }
      }
    }
    const fields = new Map([
      ["x", x],
      ["target", target],
    ]);
    return { batch: size, time: LENGTH, fields };
  },
};
