//! Sound files: WAV with 8, 16, 24 or 32 bits, or floating point, one or two channels, read as it is played.

use std::fs::File;
use std::io::BufReader;
use std::time::Duration;

use hound::{SampleFormat, WavIntoSamples, WavReader};
use padgate_plugin_abi::{PADGATE_FAILED, PADGATE_LIMIT};

use super::audio::{SOUND_FILE_BYTES_MAX, SOUND_TIME_MAX};
use super::{Trouble, in_words};

/// How fast a sound can be sampled.
const RATES: std::ops::RangeInclusive<u32> = 4_000..=192_000;

/// A sound that is read while it is played.
pub(super) struct Sound {
    /// 1 or 2.
    pub(super) channels: u8,
    /// Samples of each channel in a second.
    pub(super) rate: u32,
    samples: Samples,
    gain: f32,
}

enum Samples {
    /// Whole numbers, and what makes 1 of the largest.
    Whole(WavIntoSamples<BufReader<File>, i32>, f32),
    Float(WavIntoSamples<BufReader<File>, f32>),
}

impl Sound {
    /// Reads the beginning. `name` is for texts.
    pub(super) fn read(file: File, name: &str, gain: f64) -> Result<Sound, Trouble> {
        let cannot = |why: String| Trouble::new(PADGATE_FAILED, format!("can't play {name}: {why}"));
        let about = file.metadata().map_err(|error| cannot(error.to_string()))?;
        if !about.is_file() {
            return Err(cannot("it is no file".to_owned()));
        }
        if about.len() > SOUND_FILE_BYTES_MAX {
            let why = format!("can't play {name}: it has more than {} MiB", SOUND_FILE_BYTES_MAX >> 20);
            return Err(Trouble::new(PADGATE_LIMIT, why));
        }
        let reader = WavReader::new(BufReader::new(file))
            .map_err(|error| cannot(format!("it is no WAV file that can be read: {error}")))?;
        let spec = reader.spec();
        let channels = match spec.channels {
            channels @ 1..=2 => channels as u8,
            channels => return Err(cannot(format!("it has {channels} channels; one or two can be played"))),
        };
        let rate = spec.sample_rate;
        if !RATES.contains(&rate) {
            return Err(cannot(format!("{rate} samples in a second can't be played")));
        }
        if u64::from(reader.duration()) > SOUND_TIME_MAX.as_secs() * u64::from(rate) {
            let why = format!("can't play {name}: it is longer than {}", in_words(SOUND_TIME_MAX));
            return Err(Trouble::new(PADGATE_LIMIT, why));
        }
        let samples = match (spec.sample_format, spec.bits_per_sample) {
            (SampleFormat::Float, 32) => Samples::Float(reader.into_samples()),
            (SampleFormat::Int, bits @ (8 | 16 | 24 | 32)) => {
                Samples::Whole(reader.into_samples(), 1.0 / (1u64 << (bits - 1)) as f32)
            }
            (_, bits) => {
                return Err(cannot(format!(
                    "samples of {bits} bits; 8, 16, 24, 32 and floating point can be"
                )));
            }
        };
        Ok(Sound { channels, rate, samples, gain: gain as f32 })
    }

    /// How long it is; an upper bound, for a file that was cut off.
    pub(super) fn length(&self) -> Duration {
        let samples = match &self.samples {
            Samples::Whole(samples, _) => samples.len(),
            Samples::Float(samples) => samples.len(),
        };
        let frames = samples as f64 / f64::from(self.channels);
        Duration::from_secs_f64(frames / f64::from(self.rate)).min(SOUND_TIME_MAX)
    }

    /// Fills the buffer with 32-bit floating-point samples, little-endian, whole frames only; returns how many bytes,
    /// 0 at the end.
    pub(super) fn fill(&mut self, buffer: &mut [u8]) -> usize {
        let frame = 4 * usize::from(self.channels);
        let mut filled = 0;
        for frame in buffer.chunks_exact_mut(frame) {
            for place in frame.chunks_exact_mut(4) {
                // What is missing of a file that was cut off is silence, for less than a frame.
                let Some(sample) = self.next() else { return filled };
                place.copy_from_slice(&(sample * self.gain).to_le_bytes());
            }
            filled += frame.len();
        }
        filled
    }

    fn next(&mut self) -> Option<f32> {
        match &mut self.samples {
            Samples::Whole(samples, one) => samples.next()?.ok().map(|sample| sample as f32 * *one),
            // A sample that is no number would be heard as a crack, if the server survives it.
            Samples::Float(samples) => {
                samples.next()?.ok().map(|sample| if sample.is_finite() { sample } else { 0.0 })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::path::Path;

    use hound::{SampleFormat, WavSpec, WavWriter};
    use padgate_plugin_abi::{PADGATE_FAILED, PADGATE_LIMIT};

    use super::Sound;

    fn spec(bits_per_sample: u16, sample_format: SampleFormat, channels: u16) -> WavSpec {
        WavSpec { channels, sample_rate: 8000, bits_per_sample, sample_format }
    }

    fn write(path: &Path, spec: WavSpec, samples: &[f32]) {
        let mut writer = WavWriter::create(path, spec).unwrap();
        for sample in samples {
            match spec.sample_format {
                SampleFormat::Float => writer.write_sample(*sample).unwrap(),
                SampleFormat::Int => {
                    let largest = (1i64 << (spec.bits_per_sample - 1)) as f32;
                    writer.write_sample((sample * largest) as i32).unwrap();
                }
            }
        }
        writer.finalize().unwrap();
    }

    fn samples(sound: &mut Sound) -> Vec<f32> {
        let mut buffer = [0; 64];
        let filled = sound.fill(&mut buffer);
        buffer[..filled].chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect()
    }

    #[test]
    fn every_width_becomes_the_same_sound() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.wav");
        for (bits, format) in [
            (8, SampleFormat::Int),
            (16, SampleFormat::Int),
            (24, SampleFormat::Int),
            (32, SampleFormat::Int),
            (32, SampleFormat::Float),
        ] {
            for channels in [1, 2] {
                write(&path, spec(bits, format, channels), &[0.5, -0.5, 0.25, 0.0]);
                let mut sound = Sound::read(File::open(&path).unwrap(), "x.wav", 0.5).unwrap();
                assert_eq!((sound.channels, sound.rate), (channels as u8, 8000));
                assert_eq!(samples(&mut sound), [0.25, -0.25, 0.125, 0.0], "{bits} bits");
                assert!(samples(&mut sound).is_empty(), "the end");
            }
        }
    }

    #[test]
    fn what_can_not_be_played_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.wav");
        let status =
            || Sound::read(File::open(&path).unwrap(), "x.wav", 1.0).err().map(|trouble| trouble.status);
        write(&path, spec(16, SampleFormat::Int, 6), &[0.0; 6]);
        assert_eq!(status(), Some(PADGATE_FAILED));
        std::fs::write(&path, b"RIFF\xFF\xFF\xFF\xFFWAVEfmt ").unwrap();
        assert_eq!(status(), Some(PADGATE_FAILED));
        std::fs::write(&path, b"").unwrap();
        assert_eq!(status(), Some(PADGATE_FAILED));
        File::create(&path).unwrap().set_len(65 << 20).unwrap();
        assert_eq!(status(), Some(PADGATE_LIMIT));
        // Cut off in the middle of a frame: what is whole is played.
        write(&path, spec(16, SampleFormat::Int, 2), &[0.5; 8]);
        let length = std::fs::metadata(&path).unwrap().len();
        File::options().write(true).open(&path).unwrap().set_len(length - 2).unwrap();
        let mut sound = Sound::read(File::open(&path).unwrap(), "x.wav", 1.0).unwrap();
        assert_eq!(samples(&mut sound), [0.5; 6]);
    }
}
