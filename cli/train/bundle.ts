/** A spec with everything it imports, as data: what a checkpoint keeps, so that it can be compiled again anywhere. */
import { posix, relative, sep } from "node:path";
import type { Host, Project } from "../../compiler/check/project.ts";

export interface Bundle {
  /** Name of the main file among `files`. */
  readonly main: string;
  /** Texts by name. Files of the library are below `library/`, others are named as seen from the main file. */
  readonly files: Readonly<Record<string, string>>;
}

const LIBRARY = "library";

/** The files of a project. `library` is the folder of the standard library's files. */
export function bundleOf(project: Project, library: string): Bundle {
  const { main } = project;
  const home = posix.dirname(main.file.split(sep).join("/"));
  const nameOf = (file: string): string => {
    const path = (from: string) => relative(from, file).split(sep).join("/");
    const inside = path(library);
    return inside.startsWith("..") || file === main.file ? path(home) : `${LIBRARY}/${inside}`;
  };
  const files = [...project.modules.values()].map((m) => [nameOf(m.file), m.text] as const);
  files.sort(([a], [b]) => (a < b ? -1 : 1));
  return { main: nameOf(main.file), files: Object.fromEntries(files) };
}

/** Finds the files of a bundle. */
export function bundleHost(bundle: Bundle): Host {
  return {
    resolve: (from, target) =>
      "library" in target
        ? `${LIBRARY}/${target.library.replaceAll(".", "/")}.fwp`
        : posix.join(posix.dirname(from), target.relative),
    read(file) {
      const text = Object.hasOwn(bundle.files, file) ? bundle.files[file] : undefined;
      return text === undefined ? { error: "it is not in the checkpoint" } : { text };
    },
  };
}
