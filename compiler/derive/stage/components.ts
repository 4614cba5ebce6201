/** Strongly connected components of a dependency graph, without recursion: bodies can be thousands of nodes deep. */

/**
 * Tarjan's algorithm ("Depth-first search and linear graph algorithms", 1972). `dependencies(v)` are the vertices that v
 * needs; a component comes after every component that it depends on.
 */
export function components(
  count: number,
  dependencies: (vertex: number) => readonly number[],
): number[][] {
  const index = new Int32Array(count).fill(-1);
  const low = new Int32Array(count);
  const onStack = new Uint8Array(count);
  const stack: number[] = [];
  const found: number[][] = [];
  let next = 0;

  const visit = (root: number): void => {
    const frames: { vertex: number; edges: readonly number[]; at: number }[] = [];
    const enter = (vertex: number): void => {
      index[vertex] = low[vertex] = next++;
      stack.push(vertex);
      onStack[vertex] = 1;
      frames.push({ vertex, edges: dependencies(vertex), at: 0 });
    };
    enter(root);
    while (frames.length > 0) {
      const frame = frames[frames.length - 1]!;
      const { vertex } = frame;
      if (frame.at < frame.edges.length) {
        const to = frame.edges[frame.at++]!;
        if (index[to] === -1) enter(to);
        else if (onStack[to] === 1) low[vertex] = Math.min(low[vertex]!, index[to]!);
        continue;
      }
      frames.pop();
      const parent = frames[frames.length - 1]?.vertex;
      if (parent !== undefined) low[parent] = Math.min(low[parent]!, low[vertex]!);
      if (low[vertex] !== index[vertex]) continue;
      const members = stack.splice(stack.lastIndexOf(vertex));
      for (const member of members) onStack[member] = 0;
      found.push(members);
    }
  };
  for (let vertex = 0; vertex < count; vertex++) if (index[vertex] === -1) visit(vertex);
  return found;
}
