/** Options of the commands that measure: read like those of `fwp`, with a help text, and one line on a wrong one. */
import { parseArgs, type ParseArgsConfig } from "node:util";

type Options = NonNullable<ParseArgsConfig["options"]>;
type Parsed<O extends Options> = ReturnType<
  typeof parseArgs<{ options: O & { help: { type: "boolean" } }; strict: true }>
>["values"];

/** Ends the process: with code 0 after `--help`, with 2 and one line on options that there are not. */
export function readOptions<const O extends Options>(
  options: O,
  help: string,
  args = process.argv.slice(2),
): Parsed<O> {
  try {
    const { values } = parseArgs({
      args,
      options: { ...options, help: { type: "boolean" } },
      strict: true,
    });
    if ("help" in values && values.help === true) {
      console.log(help);
      process.exit(0);
    }
    return values as Parsed<O>;
  } catch (error) {
    // Node's message goes on about how such an argument could have been meant.
    const [line = ""] = (error as Error).message.split(/\. |\n/u);
    return refuse(`${line}; --help lists what there is`);
  }
}

/** One line on standard error and exit code 2. */
export function refuse(line: string): never {
  console.error(line);
  process.exit(2);
}
