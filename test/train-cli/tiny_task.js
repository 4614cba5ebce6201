/** A task of one's own: random tokens, the answer is the token before the last. */
import { random4 } from "fwp/runtime";

const LENGTH = 4;

export default function delayed({ vocab }, { seed }) {
  return {
    name: "delayed",
    fields: [
      { name: "token", shape: [], type: "token", vocab },
      { name: "answer", shape: [], type: "token", vocab },
    ],
    provides: { vocab },
    stream: true,
    validationBatches: () => 2,
    batch(split, index, size) {
      const token = new Int32Array(size * LENGTH);
      const answer = new Int32Array(size * LENGTH);
      const draw = (row, step) =>
        step < 0 ? 0 : random4(seed + row, split === "train" ? 1 : 2, step)[0] % vocab;
      for (let row = 0; row < size; row++) {
        for (let t = 0; t < LENGTH; t++) {
          token[row * LENGTH + t] = draw(row, index * LENGTH + t);
          answer[row * LENGTH + t] = draw(row, index * LENGTH + t - 1);
        }
      }
      return { batch: size, time: LENGTH, fields: { token, answer } };
    },
  };
}
