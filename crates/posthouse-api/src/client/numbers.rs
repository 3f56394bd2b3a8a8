//! Lists of numbers in CSV.

use http::{HeaderValue, Method, header};

use super::{ApiClient, ApiError, segment};
use crate::{BASE, NumbersImported};

impl ApiClient {
    /// Adds the numbers of a list, `blacklist` or `ranges`, to those there are; with `dry_run` it is only read. Its first line has the number
    /// `first_line`, for what is wrong with it.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn import_numbers(
        &self,
        list: &str,
        text: String,
        first_line: usize,
        dry_run: bool,
    ) -> Result<NumbersImported, ApiError> {
        let path = format!("/{}/import?first_line={first_line}&dry_run={dry_run}", segment(list));
        let body = (text.into(), HeaderValue::from_static("text/csv"));
        let answer = self.exchange_keyed(&path, body).await?;
        self.read(&path, &answer)
    }

    /// A part of a list, and the path of the next one.
    ///
    /// # Errors
    /// Every [`ApiError`].
    pub async fn export_numbers(
        &self,
        list: &str,
        part: Option<&str>,
    ) -> Result<(String, Option<String>), ApiError> {
        let path = part.map_or_else(|| format!("{BASE}/{}/export", segment(list)), str::to_owned);
        let answer = self.exchange(Method::GET, &path, None).await?;
        let next = answer.headers().get(header::LINK).and_then(|link| link.to_str().ok());
        let next = next.and_then(|link| Some(link.strip_prefix('<')?.split_once('>')?.0.to_owned()));
        Ok((self.read_text(&path, &answer)?, next))
    }
}
