/** Working memory that a module keeps. */
import type { LoopBuffer } from "../loop/ir.ts";
import type { CompiledEntry } from "../plan/entry.ts";

/** The arrays that belong to the module, each as long as the kernel that wants most of it needs. */
export function moduleArrays(
  entries: readonly CompiledEntry[],
): Map<string, { readonly type: LoopBuffer["type"]; readonly length: number }> {
  const found = new Map<string, { type: LoopBuffer["type"]; length: number }>();
  for (const { name, type, space, length } of entries.flatMap((e) =>
    e.kernels.flatMap((k) => k.buffers),
  )) {
    if (space !== "module") continue;
    found.set(name, { type, length: Math.max(found.get(name)?.length ?? 0, length ?? 0) });
  }
  return found;
}
