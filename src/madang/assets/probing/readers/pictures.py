"""Pictures and rasters of the Earth."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from madang.assets.probing import measuring
from madang.assets.probing.notes import Notes

PREVIEW_PIXELS = 192
MOST_PIXELS = 64 * 2**20


def picture(values: Any) -> bytes | None:
    """A small grey PNG of a plane of numbers (the first of many), from its 2nd to its 98th percentile."""
    from PIL import Image

    plane = np.ma.asanyarray(values)
    while plane.ndim > 2:
        plane = plane[0]
    if plane.ndim != 2 or 0 in plane.shape:
        return None
    step = max(1, -(-max(plane.shape) // PREVIEW_PIXELS))
    with np.errstate(all="ignore"):
        small = np.ma.masked_invalid(plane[::step, ::step].astype(np.float64))
        kept = small.compressed()
        if not len(kept):
            return None
        low, high = np.percentile(kept, (2, 98))
        grey = np.clip((small - low) / (high - low), 0, 1) if high > low else np.ma.zeros(small.shape)
    out = io.BytesIO()
    Image.fromarray((np.ma.filled(grey, 0) * 255).astype(np.uint8)).save(out, "PNG", optimize=True)
    return out.getvalue()


def read_image(path: Path, notes: Notes) -> None:
    """PNG, JPEG or GIF: size, mode, and whether it tells where or by whom it was taken."""
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(path, formats=("PNG", "JPEG", "GIF")) as image:
            notes.fact("kind", image.format)
            notes.fact("width_px", image.width)
            notes.fact("height_px", image.height)
            notes.fact("mode", image.mode)
            shape = (image.height, image.width)
            tags = image.getexif()
            if tags.get_ifd(0x8825) or tags.get(0x013B):
                notes.find("personal-data", "warn", fields="EXIF")
            if image.width * image.height > MOST_PIXELS:
                notes.find("too-large", "warn", limit=MOST_PIXELS)
                return
            image.thumbnail((PREVIEW_PIXELS, PREVIEW_PIXELS))
            out = io.BytesIO()
            image.convert("RGB").save(out, "PNG", optimize=True)
    notes.show_picture(out.getvalue())
    notes.variable(Path(notes.path).name, "picture", shape=shape)


def read_tiff(path: Path, notes: Notes) -> None:
    """A TIFF: a GeoTIFF's bands, its place on Earth and what stands for no data."""
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        environment = rasterio.Env(
            GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR", GDAL_CACHEMAX=32, GDAL_NUM_THREADS=1
        )
        with environment, rasterio.open(path, driver="GTiff") as raster:
            notes.fact("width_px", raster.width)
            notes.fact("height_px", raster.height)
            notes.fact("bands", raster.count)
            if raster.crs:
                notes.format = "geotiff"
                notes.fact("crs", raster.crs.to_string()[:200])
                _place(notes, raster)
            for band in range(1, min(raster.count, 200) + 1):
                _band(notes, raster, band)


def _place(notes: Notes, raster: Any) -> None:
    from rasterio.warp import transform_bounds

    try:
        west, south, east, north = transform_bounds(raster.crs, "EPSG:4326", *raster.bounds)
    except Exception:  # whatever PROJ finds wrong with a stranger's projection
        notes.find("place-unreadable", "warn")
        return
    notes.box = measuring.box_of((west, east), (south, north))
    if notes.box is None:
        notes.find("place-unreadable", "warn")


def _band(notes: Notes, raster: Any, band: int) -> None:
    rows, columns = raster.height, raster.width
    step = max(1, int((rows * columns / measuring.MOST_VALUES) ** 0.5))
    shape = (max(1, rows // step), max(1, columns // step))
    name = raster.descriptions[band - 1] or f"band {band}"
    block = raster.block_shapes[band - 1]
    if notes.hurried or block[0] * block[1] * np.dtype(raster.dtypes[band - 1]).itemsize > 128 * 2**20:
        notes.variable(name, "number", unit=raster.units[band - 1] or "", shape=(rows, columns))
        return
    values = raster.read(band, masked=True, out_shape=shape)
    if values.dtype.kind == "c":
        notes.variable(name, "other", shape=(rows, columns))
        return
    ends, statistics = measuring.numbers(values)
    if statistics.counted and statistics.missing == statistics.counted:
        notes.find("values-none", "warn", name, variable=name)
    notes.variable(
        name,
        "number",
        unit=raster.units[band - 1] or "",
        shape=(rows, columns),
        ends=ends,
        statistics=statistics,
    )
    if band == 1:
        notes.show_picture(picture(values))
