/** The generated parts of docs/ are up to date. `npm run docs` writes them. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { generatedPages, root } from "../../scripts/docs.ts";

const pages = await generatedPages();

test.each([...pages.keys()])("%s is up to date (else: npm run docs)", async (name) => {
  await expect(pages.get(name)).toMatchFileSnapshot(join(root, name));
});
