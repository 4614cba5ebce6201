/** `--svg`: the picture of a layer or model. */
import type { Explanation } from "../facts.ts";
import { layOut } from "./layout.ts";
import { svgOf } from "./svg.ts";

/** What boxes say when they are pointed at: of a write the equations, of others their name, block and shape. */
function titlesOf({ topology, recurrences }: Explanation): Map<string, string> {
  const lines = (state: string): string[] =>
    recurrences.flatMap((r) => r.update.filter((u) => u.state === state).map((u) => u.line));
  return new Map(
    topology.boxes.map(({ id, name, role, path, shape }) => {
      const full = path === "" ? name : `${path}.${name}`;
      if (role !== "write") return [id, `${full} [${shape.join(", ")}]`];
      const written = lines(full.replace(/ <- …$/u, ""));
      return [id, written.length === 0 ? full : written.join("\n")];
    }),
  );
}

export const pictureOf = (e: Explanation): string =>
  svgOf(`${e.kind} ${e.name}`, layOut(e.topology), titlesOf(e));
