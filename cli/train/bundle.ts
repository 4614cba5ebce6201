/** A spec with everything it imports, as data: what a checkpoint keeps, so that it can be compiled again anywhere. */
import { isAbsolute, posix, relative, resolve, sep } from "node:path";
import type { Host, Project } from "../../compiler/check/project.ts";

export interface Bundle {
  /** Name of the main file among `files`. */
  readonly main: string;
  /** Texts by name. Files of the library are below `library/`, others are named as seen from the main file. */
  readonly files: Readonly<Record<string, string>>;
  /** Names that other ways to import a file give it: its name among `files`. */
  readonly aliases?: Readonly<Record<string, string>>;
}

const LIBRARY = "library";

const seenFrom = (folder: string, file: string): string =>
  relative(folder, file).split(sep).join("/");

/** The files of a project. `library` is the folder of the standard library's files. */
export function bundleOf(project: Project, library: string): Bundle {
  const { main } = project;
  const home = posix.dirname(main.file.split(sep).join("/"));
  const libraryName = (file: string) => `${LIBRARY}/${seenFrom(library, file)}`;
  // A spec that ships with fwp has its neighbours beside it, like any other.
  const inLibrary = (file: string) =>
    !seenFrom(library, file).startsWith("..") && seenFrom(home, file).includes("/");
  const nameOf = (file: string) => (inLibrary(file) ? libraryName(file) : seenFrom(home, file));
  const modules = [...project.modules.values()];
  const files = modules.map((m) => [nameOf(m.file), m.text] as const);
  files.sort(([a], [b]) => (a < b ? -1 : 1));
  const aliases = modules.flatMap(({ file }) =>
    [seenFrom(home, file), libraryName(file), resolve(file)].map(
      (other) => [other, nameOf(file)] as const,
    ),
  );
  return {
    main: nameOf(main.file),
    files: Object.fromEntries(files),
    aliases: Object.fromEntries(aliases.filter(([other, name]) => other !== name)),
  };
}

/** Finds the files of a bundle. */
export function bundleHost(bundle: Bundle): Host {
  return {
    resolve(from, target) {
      const name =
        "library" in target
          ? `${LIBRARY}/${target.library.replaceAll(".", "/")}.fwp`
          : isAbsolute(target.relative)
            ? target.relative
            : posix.join(posix.dirname(from), target.relative);
      return bundle.aliases?.[name] ?? name;
    },
    read(file) {
      const text = Object.hasOwn(bundle.files, file) ? bundle.files[file] : undefined;
      return text === undefined ? { error: "it is not in the checkpoint" } : { text };
    },
  };
}
