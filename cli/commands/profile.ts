/** `fwp profile`: where the time of an entry goes, kernel by kernel. */
import type { Configure } from "../commands.ts";
import type { Context } from "../context.ts";
import { chooseDevice, deviceOption, onDevice } from "../devices.ts";
import { UsageError } from "../exit.ts";
import { formOptions, formWish, type FormFlags } from "../forms.ts";
import { printJson } from "../output.ts";
import { entryNames, openSubject } from "../plan/subject.ts";
import { profileEntry } from "../profile/measure.ts";
import { profileText } from "../profile/text.ts";
import { chooseDeclaration, soundProject } from "../project.ts";
import { parseSettings } from "../settings.ts";
import { jsonOption, numberOption, setOption } from "../train/options.ts";

interface ProfileFlags extends FormFlags {
  readonly experiment?: string;
  readonly of?: string;
  readonly entry?: string;
  readonly batch?: number;
  readonly time?: number;
  readonly set: readonly string[];
  readonly device: string;
  readonly all?: boolean;
  readonly json?: boolean;
}

async function profileFile(file: string, flags: ProfileFlags, context: Context): Promise<void> {
  if (flags.of !== undefined && flags.experiment !== undefined) {
    throw new UsageError("--of and --experiment exclude each other");
  }
  const choice = chooseDevice(flags.device);
  const wish = formWish(flags);
  const settings = parseSettings(flags.set);
  const project = soundProject(file);
  const experiments = [...project.main.own.values()].some((d) => d.kind === "experiment");
  const decl =
    flags.of === undefined && (flags.experiment !== undefined || experiments)
      ? chooseDeclaration(project, ["experiment"], flags.experiment, "--experiment NAME")
      : chooseDeclaration(project, ["layer", "model", "experiment"], flags.of, "--of NAME");
  const { entry, batch, time } = flags;
  const profile = await onDevice(choice, async (device) =>
    profileEntry(
      await openSubject(project, decl, {
        settings,
        wish,
        device,
        ...(entry === undefined ? {} : { entry }),
        ...(batch === undefined ? {} : { batch }),
        ...(time === undefined ? {} : { time }),
      }),
    ),
  );
  if (flags.json === true) printJson(context, profile);
  else context.out(profileText(profile, flags.all === true));
}

export const configure: Configure = (command, context) => {
  command
    .argument("<file>", "the spec")
    .option("--experiment <name>", "which of the file's experiments; the only one by default")
    .option("--of <name>", "a layer or model instead, with values for its sizes by --set")
    .option("--entry <name>", `what is run: ${entryNames} (default: train, or gradient of a layer)`)
    .option("--batch <n>", "sequences (default: as the experiment trains; 8, or 1 without gradients)", numberOption("integer", 1)) // prettier-ignore
    .option("--time <n>", "steps of a layer or model (default: 512, or 2048 without gradients)", numberOption("integer", 1)); // prettier-ignore
  jsonOption(deviceOption(formOptions(setOption(command))))
    .option("--all", "also kernels that take next to no time")
    .addHelpText(
      "after",
      "\nKernels are called one by one on the data that they leave each other. Of the ceiling: the time that our own" +
        "\nproduct of matrices (for operations) or a map over large memory (for bytes) would take, whichever is longer," +
        "\nover the time taken.\n\nExample: fwp profile specs/char_lm.fwp --device native",
    )
    .action((file: string, flags: ProfileFlags) => profileFile(file, flags, context));
};
