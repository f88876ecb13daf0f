//! An export that is kept current: the right to write it, and what it was written of.

use std::fs::File;
use std::path::Path;

use callboard_core::bounded;
use callboard_core::confined_folder::ConfinedFolder;

use super::{ExportError, begun, failed};

/// The file that says what it was written of.
const STATE: &str = ".callboard-export.state";
/// The most bytes of that.
const STATED: u64 = 4 << 10;

/// The right to write an export into a folder: whoever else would waits until it is dropped. Of a folder that is not
/// there yet, the one in which it will be is held. Where that is not there either, or a file system has no locks,
/// nobody waits.
pub fn hold(folder: &Path) -> Result<Option<File>, ExportError> {
    let mut places = [folder, begun::parent(folder)].into_iter();
    let Some(place) = places.find(|place| place.is_dir()) else {
        return Ok(None);
    };
    let held = File::open(place).map_err(|cause| failed(place, cause))?;
    held.lock().ok();
    Ok(Some(held))
}

/// What the export in a folder was written of, if that is known.
pub fn written_of(folder: &Path) -> Option<String> {
    bounded::text_of(&folder.join(STATE), STATED).ok()
}

/// Say what the export in a folder was written of.
pub fn note_written(folder: &Path, state: &str) -> Result<(), ExportError> {
    let files = ConfinedFolder::made(folder).map_err(|cause| failed(folder, cause))?;
    let written = files.write(STATE, state.as_bytes());
    written.map_err(|refusal| {
        let path = folder.join(refusal.path);
        ExportError::Refused {
            path,
            problem: refusal.problem,
        }
    })
}
