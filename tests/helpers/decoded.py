"""The images that tests of decoded caches make: how many, and bytes of each when decoded."""

NUMBER = 20
ROW = 8 * 8 * 3
